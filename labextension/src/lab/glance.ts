/**
 * Keeps what is known of live runs current while nobody looks at the panel: on nudges, at a
 * glance's pace; and by a slow poll while something runs, for a run whose end was not announced.
 */
import { Poll } from '@lumino/polling';
import type { PanelStore } from '../store/panelStore';
import { Pump } from '../store/pump';

const GAP_MS = 1000;
const POLL_MS = 10_000;
const LONGEST_POLL_MS = 60_000;

export class Glance {
  private readonly pump = new Pump(() => this.store.live.refresh(), GAP_MS);
  private readonly poll: Poll;
  private stale = false;

  constructor(private readonly store: PanelStore) {
    this.poll = new Poll({
      auto: false,
      name: 'jupyter-mltrack:glance',
      factory: () => this.tick(),
      frequency: { interval: POLL_MS, backoff: true, max: LONGEST_POLL_MS },
      standby: () => (this.idle ? true : 'when-hidden')
    });
  }

  open(): void {
    this.store.nudges.open();
    this.store.nudges.nudged.connect((_, nudge) => {
      if (nudge.kind !== 'health') {
        this.onChange();
      }
    });
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.stale) {
        this.onChange();
      }
    });
    this.onChange();
    void this.poll.start();
  }

  /** The panel keeps itself current; without running runs nothing ends unannounced. */
  private get idle(): boolean {
    return this.store.isDisposed || this.store.visible || this.store.live.running.length === 0;
  }

  private onChange(): void {
    this.stale = document.hidden;
    if (!this.stale && !this.store.visible && !this.store.isDisposed) {
      void this.pump.request();
    }
  }

  private async tick(): Promise<void> {
    await this.pump.request();
    const { problem } = this.store.live;
    if (problem !== null) {
      throw new Error(problem.message); // The poll backs off.
    }
  }
}
