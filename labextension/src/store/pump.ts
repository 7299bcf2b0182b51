/**
 * At most one request of a kind under way. Asked while one is under way, it goes once more after
 * it; asked when idle, it goes at once, unless the last one was less than `minGapMs` ago or the page
 * has enough to do with what came before.
 */
import type { IDisposable } from '@lumino/disposable';

export class Pump implements IDisposable {
  isDisposed = false;
  private running = false;
  private wanted = false;
  private lastStart = Number.NEGATIVE_INFINITY;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private waiters: (() => void)[] = [];

  /**
   * @param action must not throw: it keeps its own errors where they are shown.
   * @param busyMs for how long the page has enough to do.
   */
  constructor(
    private readonly action: () => Promise<void>,
    private readonly minGapMs = 0,
    private readonly busyMs: () => number = () => 0
  ) {}

  /** Ask for one more round; the promise settles when a round that began after now has ended. */
  request(): Promise<void> {
    if (this.isDisposed) {
      return Promise.resolve();
    }
    this.wanted = true;
    const done = new Promise<void>(resolve => this.waiters.push(resolve));
    this.next();
    return done;
  }

  dispose(): void {
    this.isDisposed = true;
    if (this.timer !== null) {
      clearTimeout(this.timer);
      this.timer = null;
    }
    this.release();
  }

  private next(): void {
    if (this.running || this.timer !== null || !this.wanted || this.isDisposed) {
      return;
    }
    const gap = this.lastStart + this.minGapMs - performance.now();
    const wait = Math.max(gap, this.busyMs());
    if (wait <= 0) {
      void this.run();
      return;
    }
    this.timer = setTimeout(() => {
      this.timer = null;
      this.next(); // The page may have got more to do meanwhile.
    }, wait);
  }

  private async run(): Promise<void> {
    this.running = true;
    this.wanted = false;
    this.lastStart = performance.now();
    const waiters = this.waiters;
    this.waiters = [];
    try {
      await this.action();
    } finally {
      this.running = false;
      waiters.forEach(resolve => resolve());
      this.next();
    }
  }

  private release(): void {
    this.waiters.forEach(resolve => resolve());
    this.waiters = [];
  }
}
