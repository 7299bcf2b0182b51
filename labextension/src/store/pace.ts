/**
 * Leaves the page to its reader. Showing what came costs the page's one thread some time, above all
 * where many runs go on at once; after it, nobody asks for more until that time is a small share of
 * what has passed. Where little is shown, or the machine is quick, that is no wait worth the name.
 */

/** How much of its time the page's thread may spend on values that move by themselves. */
const SHARE = 0.1;
/** What moves stands still for no longer than this, however long it takes to show. */
const LONGEST_GAP_MS = 1000;

/** Time and frames; tests have their own. */
export interface PaceTools {
  readonly now: () => number;
  /** Call once with the next frame, before it is painted. */
  readonly onFrame: (then: () => void) => void;
  /** Call once when what is waiting now has been done. */
  readonly afterTasks: (then: () => void) => void;
}

export class Pace {
  private freeAt = Number.NEGATIVE_INFINITY;
  private measuring = false;

  constructor(private readonly tools: PaceTools = browserTools()) {}

  /** For how many milliseconds nothing should be asked for; 0 or less: ask. */
  get waitMs(): number {
    return this.freeAt - this.tools.now();
  }

  /** Show something: what that costs, with the frame after it, is found out by itself. */
  spend(show: () => void): void {
    const { now, onFrame, afterTasks } = this.tools;
    const begun = now();
    show();
    if (this.measuring) {
      return; // One frame shows both.
    }
    this.measuring = true;
    afterTasks(() => {
      this.pay(now() - begun);
      onFrame(() => {
        const painting = now();
        afterTasks(() => {
          this.measuring = false;
          this.pay(now() - painting);
        });
      });
    });
  }

  private pay(costMs: number): void {
    const now = this.tools.now();
    const from = Math.max(this.freeAt, now);
    this.freeAt = Math.min(from + costMs / SHARE, now + LONGEST_GAP_MS);
  }
}

function browserTools(): PaceTools {
  return {
    now: () => performance.now(),
    onFrame: then => void requestAnimationFrame(then),
    afterTasks: then => {
      // A message comes after what was there to be done, and after a frame that is being painted.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        then();
      };
      port2.postMessage(null);
    }
  };
}
