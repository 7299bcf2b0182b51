/** What a section of the panel lists, asked for quickly while somebody looks or something is done. */
import { VDomModel } from '@jupyterlab/ui-components';
import { Poll } from '@lumino/polling';
import type { Problem } from '../types';
import { Pump } from './pump';
import { problemOf } from './resource';

const SLOW_POLL_MS = 15_000;
const LONGEST_POLL_MS = 60_000;

export abstract class PolledStore extends VDomModel {
  loaded = false;
  problem: Problem | null = null;
  /** Ends every request when the store goes. */
  protected readonly abort = new AbortController();
  private visible = false;
  private open = true;
  private readonly pump = new Pump(() => this.fetch());
  private readonly poll: Poll;

  /**
   * @param name of what is listed, for the poll.
   * @param quickMs pause between requests while somebody looks or something is under way.
   */
  constructor(
    name: string,
    private readonly quickMs: number
  ) {
    super();
    this.poll = new Poll({
      auto: false,
      name: `jupyter-mltrack:${name}`,
      factory: () => this.tick(),
      frequency: { interval: quickMs, backoff: true, max: LONGEST_POLL_MS },
      standby: () => (this.visible ? 'when-hidden' : true)
    });
  }

  /**
   * @param visible whether the panel can be seen.
   * @param open whether the section in it is unfolded.
   */
  setWatched(visible: boolean, open: boolean): void {
    if (this.isDisposed || (visible === this.visible && open === this.open)) {
      return;
    }
    const began = visible && !this.visible;
    this.visible = visible;
    this.open = open;
    this.adjustPoll();
    if (began || (visible && open)) {
      void this.poll.start();
      void this.poll.refresh();
    }
  }

  refresh(): Promise<void> {
    return this.pump.request();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.abort.abort();
      this.poll.dispose();
      this.pump.dispose();
      super.dispose();
    }
  }

  /** Whether something listed is still under way, so that its end is soon seen. */
  protected abstract get underWay(): boolean;

  /** Ask the server; the answer is taken over by the function that is returned. */
  protected abstract ask(signal: AbortSignal): Promise<() => void>;

  private async tick(): Promise<void> {
    await this.pump.request();
    if (this.problem !== null) {
      throw new Error(this.problem.message); // The poll backs off.
    }
  }

  private async fetch(): Promise<void> {
    let problem: Problem | null = null;
    let takeOver = (): void => undefined;
    try {
      takeOver = await this.ask(this.abort.signal);
    } catch (error) {
      problem = problemOf(error);
    }
    if (this.isDisposed) {
      return;
    }
    takeOver();
    this.problem = problem;
    this.loaded = true;
    this.adjustPoll();
    this.stateChanged.emit();
  }

  private adjustPoll(): void {
    const interval = this.open || this.underWay ? this.quickMs : SLOW_POLL_MS;
    if (this.poll.frequency.interval !== interval) {
      this.poll.frequency = { interval, backoff: true, max: LONGEST_POLL_MS };
    }
  }
}
