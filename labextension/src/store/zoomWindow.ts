/** The points of the part that a chart was zoomed to: asked for anew, so that none is thinned out. */
import type { IDisposable } from '@lumino/disposable';
import { SeriesData } from '../chart/merge';
import type { Points } from '../chart/merge';
import type { ZoomRange } from '../chart/prepare';
import { ApiError } from '../client';
import type { Client, SeriesRange } from '../client';
import type { RunId, WorkspaceId } from '../types';
import { Pump } from './pump';
import { askable } from './seriesStore';

const MIN_GAP_MS = 100;

export class ZoomWindow implements IDisposable {
  isDisposed = false;
  private data: SeriesData | null = null;
  private range: SeriesRange | null = null;
  private keys: readonly string[] = [];
  private abort = new AbortController();
  private readonly pump = new Pump(() => this.fetch(), MIN_GAP_MS);

  /**
   * @param onChanged points are there.
   */
  constructor(
    private readonly client: Client,
    private readonly workspaceId: WorkspaceId,
    private readonly runId: RunId,
    private readonly maxPoints: number,
    private readonly onChanged: () => void
  ) {}

  /** The points of a metric within the window; none while they are awaited, or nothing is zoomed. */
  get(key: string): Points | undefined {
    return this.data?.get(key);
  }

  /** Ask for a window of these metrics; nothing is asked when null or no metric is given. */
  show(range: SeriesRange | null, keys: readonly string[]): void {
    if (!sameRange(range, this.range)) {
      this.abort.abort();
      this.abort = new AbortController();
      this.data = null;
    }
    this.range = range;
    this.keys = askable(keys);
    if (range !== null && keys.length > 0) {
      void this.pump.request();
    }
  }

  dispose(): void {
    this.isDisposed = true;
    this.abort.abort();
    this.pump.dispose();
  }

  private async fetch(): Promise<void> {
    const { client, workspaceId, runId, range, keys, maxPoints } = this;
    if (range === null) {
      return;
    }
    const { signal } = this.abort;
    try {
      const query = { keys, range, maxPoints };
      const series = await client.series(workspaceId, runId, 0, signal, query);
      if (!signal.aborted) {
        const data = new SeriesData();
        data.apply({ ...series, reset: true });
        this.data = data;
        this.onChanged();
      }
    } catch (error) {
      if (!signal.aborted && !(error instanceof ApiError)) {
        throw error;
      }
      // What was thinned for the whole run stays on the screen.
    }
  }
}

function sameRange(a: SeriesRange | null, b: SeriesRange | null): boolean {
  return a?.x === b?.x && a?.start === b?.start && a?.end === b?.end;
}

/** What of the axis is asked for; null where the server does not know the axis. */
export function rangeOf(zoom: ZoomRange | null): SeriesRange | null {
  switch (zoom?.kind) {
    case 'step':
      return { x: 'step', start: Math.floor(zoom.min), end: Math.ceil(zoom.max) };
    case 'elapsed':
      return between(zoom.startMs + zoom.min * 1000, zoom.startMs + zoom.max * 1000);
    case 'wall':
      return between(zoom.min * 1000, zoom.max * 1000);
    case 'clock':
    case 'value':
    case undefined:
      return null;
  }
}

function between(startMs: number, endMs: number): SeriesRange {
  return { x: 'time', start: Math.floor(startMs), end: Math.ceil(endMs) };
}
