/** The metrics of a run in numbers: searched, page by page as they are scrolled to. */
import { VDomModel } from '@jupyterlab/ui-components';
import type { RunClient } from '../runClient';
import type { Points, SeriesData } from '../chart/merge';
import type { MetricStat, MetricTable, Problem, RunId, WorkspaceId } from '../types';
import { Pump } from './pump';
import { problemOf } from './resource';

const PAGE_SIZE = 200;
const SEARCH_DELAY_MS = 200;
const MIN_GAP_MS = 1500;

export class MetricTableStore extends VDomModel {
  rows: MetricStat[] = [];
  total = 0;
  loaded = false;
  search = '';
  problem: Problem | null = null;
  private loadingMore = false;
  private abort = new AbortController();
  private timer: ReturnType<typeof setTimeout> | null = null;
  private readonly pump = new Pump(() => this.renew(), MIN_GAP_MS);

  constructor(
    private readonly client: RunClient,
    private readonly workspace: WorkspaceId,
    private readonly runId: RunId
  ) {
    super();
  }

  /** Ask again for what is there. */
  refresh(): void {
    void this.pump.request();
  }

  setSearch(search: string): void {
    this.search = search;
    this.stateChanged.emit();
    this.clearTimer();
    this.timer = setTimeout(() => {
      this.timer = null;
      this.abort.abort();
      this.abort = new AbortController();
      this.loadingMore = false;
      void this.renew(false);
    }, SEARCH_DELAY_MS);
  }

  /** Fetch the next page; nothing happens while one is under way. */
  async loadMore(): Promise<void> {
    if (this.loadingMore || !this.loaded || this.rows.length >= this.total) {
      return;
    }
    this.loadingMore = true;
    const { signal } = this.abort;
    try {
      const page = await this.fetch(this.rows.length, PAGE_SIZE, signal);
      if (!signal.aborted) {
        const known = new Set(this.rows.map(row => row.key));
        this.rows = [...this.rows, ...page.metrics.filter(row => !known.has(row.key))];
        // An empty page ends the list, whatever was said before.
        this.total = page.metrics.length === 0 ? this.rows.length : page.total;
      }
    } catch (error) {
      if (!signal.aborted) {
        this.problem = problemOf(error);
      }
    }
    if (!signal.aborted) {
      this.loadingMore = false;
      this.stateChanged.emit();
    }
  }

  /** What is shown: the server's numbers, or those of the points here while it has none. */
  numbers(data: SeriesData): readonly MetricStat[] {
    const isWaiting = this.rows.length === 0 && this.search.trim() === '';
    return isWaiting ? data.all.map(statOf) : this.rows;
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.clearTimer();
      this.abort.abort();
      this.pump.dispose();
      super.dispose();
    }
  }

  /** The first rows anew; those behind them stay, unless something else is searched for. */
  private async renew(keepRest = true): Promise<void> {
    const { signal } = this.abort;
    try {
      const page = await this.fetch(0, PAGE_SIZE, signal);
      if (signal.aborted) {
        return;
      }
      const fresh = new Set(page.metrics.map(row => row.key));
      const rest = keepRest ? this.rows.slice(PAGE_SIZE) : [];
      this.rows = [...page.metrics, ...rest.filter(row => !fresh.has(row.key))];
      this.total = page.total;
      this.problem = null;
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      this.problem = problemOf(error);
    }
    this.loaded = true;
    this.stateChanged.emit();
  }

  private fetch(offset: number, limit: number, signal: AbortSignal): Promise<MetricTable> {
    const run = { workspace: this.workspace, runId: this.runId };
    return this.client.metrics(run, this.search.trim(), offset, limit, signal);
  }

  private clearTimer(): void {
    if (this.timer !== null) {
      clearTimeout(this.timer);
      this.timer = null;
    }
  }
}

/** A metric in numbers from the points that the page has; thinned ones still have the extremes. */
function statOf(points: Points): MetricStat {
  const { key, values, steps, timestampsMs, total } = points;
  const finite = values.flatMap((value, index) => (value === null ? [] : [{ value, index }]));
  const [first] = finite;
  const low = finite.reduce((a, b) => (b.value < a.value ? b : a), first ?? { value: 0, index: 0 });
  const high = finite.reduce((a, b) => (b.value > a.value ? b : a), low);
  const isWhole = total === values.length;
  const mean = finite.reduce((sum, { value }) => sum + value / finite.length, 0);
  const last = values[values.length - 1] ?? null;
  const isThere = first !== undefined;
  return {
    key,
    last,
    text: last === null ? points.lastText : String(last),
    minimum: isThere ? low.value : null,
    maximum: isThere ? high.value : null,
    mean: isThere && isWhole ? mean : null,
    minimum_step: isThere ? (steps[low.index] ?? null) : null,
    maximum_step: isThere ? (steps[high.index] ?? null) : null,
    count: total,
    step: steps[steps.length - 1] ?? 0,
    timestamp_ms: timestampsMs[timestampsMs.length - 1] ?? 0
  };
}
