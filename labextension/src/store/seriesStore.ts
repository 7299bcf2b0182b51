/**
 * Points of chosen metrics of one run, for pages that show a few of very many. A metric that is
 * wanted later has everything asked for anew: one cursor stands for all of them.
 */
import { Signal } from '@lumino/signaling';
import type { IDisposable } from '@lumino/disposable';
import { SeriesData } from '../chart/merge';
import { ApiError } from '../client';
import type { Client } from '../client';
import type { Problem, RunId, WorkspaceId } from '../types';
import type { Pace } from './pace';
import { Pump } from './pump';

/** How many metrics one question can name, and how long their names can be: an address ends. */
const MOST_KEYS = 40;
const MOST_CHARACTERS = 3000;

/** As many of the metrics as one question can name, the first ones. */
export function askable(keys: readonly string[]): string[] {
  let characters = 0;
  return keys.slice(0, MOST_KEYS).filter(key => {
    characters += encodeURIComponent(key).length;
    return characters <= MOST_CHARACTERS;
  });
}

export class SeriesStore implements IDisposable {
  readonly data = new SeriesData();
  readonly changed = new Signal<this, void>(this);
  isDisposed = false;
  loaded = false;
  problem: Problem | null = null;
  private wanted: readonly string[] = [];
  private fresh = true;
  private readonly abort = new AbortController();
  private readonly pump: Pump;

  /**
   * @param maxPoints for each metric.
   * @param minGapMs between two questions.
   * @param pace of everything that moves by itself.
   */
  constructor(
    private readonly client: Client,
    readonly workspaceId: WorkspaceId,
    readonly runId: RunId,
    private readonly maxPoints: number,
    minGapMs: number,
    private readonly pace: Pace
  ) {
    const busyMs = (): number => (this.fresh ? 0 : pace.waitMs);
    this.pump = new Pump(() => this.fetch(), minGapMs, busyMs);
  }

  /** Have these metrics; those that were there before stay if one question can name them all. */
  want(keys: readonly string[]): void {
    const missing = keys.filter(key => !this.wanted.includes(key));
    if (missing.length > 0) {
      const before = this.wanted.filter(key => !missing.includes(key));
      this.wanted = askable([...missing, ...before]);
      this.fresh = true;
      void this.pump.request();
    }
  }

  /** Points may have come. */
  refresh(): void {
    if (this.wanted.length > 0) {
      void this.pump.request();
    }
  }

  dispose(): void {
    if (!this.isDisposed) {
      this.isDisposed = true;
      this.abort.abort();
      this.pump.dispose();
      Signal.clearData(this);
    }
  }

  private async fetch(): Promise<void> {
    const { client, workspaceId, runId, abort, wanted, maxPoints } = this;
    const since = this.fresh ? 0 : this.data.cursor;
    const query = { keys: wanted, maxPoints };
    try {
      const series = await client.series(workspaceId, runId, since, abort.signal, query);
      if (this.isDisposed) {
        return;
      }
      this.data.apply(since === 0 ? { ...series, reset: true } : series);
      this.fresh = this.fresh && wanted !== this.wanted;
      this.problem = null;
    } catch (error) {
      if (this.isDisposed) {
        return;
      }
      if (!(error instanceof ApiError)) {
        throw error;
      }
      this.problem = error.problem;
    }
    this.loaded = true;
    this.pace.spend(() => this.changed.emit());
  }
}
