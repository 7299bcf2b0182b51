/** The list of runs of a workspace: one experiment or all, searched, page by page. */
import { VDomModel } from '@jupyterlab/ui-components';
import { ApiError } from '../client';
import type { Client } from '../client';
import type { ExperimentId, Problem, RunPage, RunSummary, WorkspaceId } from '../types';
import { appendPage, renewFirstPage } from './pages';
import { Pump } from './pump';

const PAGE_SIZE = 100;
const SEARCH_DELAY_MS = 300;
const MIN_GAP_MS = 1000;

export class RunsStore extends VDomModel {
  rows: RunSummary[] = [];
  total: number | null = null;
  /** False until the first answer for what is asked now. */
  loaded = false;
  search = '';
  /** What is wrong with the search or the store; shown under the box. */
  problem: Problem | null = null;
  private workspaceId: WorkspaceId | null = null;
  private experimentId: ExperimentId | null = null;
  private nextToken: string | null = null;
  private loadingMore = false;
  private abort = new AbortController();
  private timer: ReturnType<typeof setTimeout> | null = null;
  private readonly pump = new Pump(() => this.fetchFirst(), MIN_GAP_MS);

  constructor(private readonly client: Client) {
    super();
  }

  get hasMore(): boolean {
    return this.nextToken !== null;
  }

  /** True while the first rows are about to change: running, or not in the store yet. */
  get unsettled(): boolean {
    return this.rows
      .slice(0, PAGE_SIZE)
      .some(run => run.end_ms === null || run.experiment_id === null || run.waiting_points > 0);
  }

  /** Show another workspace or experiment; null for all experiments. */
  show(workspaceId: WorkspaceId, experimentId: ExperimentId | null): void {
    if (workspaceId === this.workspaceId && experimentId === this.experimentId && this.loaded) {
      return;
    }
    this.workspaceId = workspaceId;
    this.experimentId = experimentId;
    this.restart();
  }

  /** Take over what was typed; asked when typing pauses. */
  setSearch(search: string): void {
    this.search = search;
    this.stateChanged.emit();
    this.clearTimer();
    this.timer = setTimeout(() => {
      this.timer = null;
      this.restart();
    }, SEARCH_DELAY_MS);
  }

  /** Ask for the newest runs again; rows that are there stay. */
  refresh(): Promise<void> {
    return this.workspaceId === null ? Promise.resolve() : this.pump.request();
  }

  /** Fetch the next page; nothing happens while one is under way. */
  async loadMore(): Promise<void> {
    const token = this.nextToken;
    if (token === null || this.loadingMore) {
      return;
    }
    this.loadingMore = true;
    const { signal } = this.abort;
    try {
      const page = await this.fetchPage(token, signal);
      if (!signal.aborted && page !== null) {
        this.rows = appendPage(this.rows, page);
        this.nextToken = page.next_page_token;
        this.total = page.total ?? this.total;
      }
    } catch (error) {
      this.fail(error, signal);
    } finally {
      if (!signal.aborted) {
        this.loadingMore = false;
        this.stateChanged.emit();
      }
    }
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.clearTimer();
      this.abort.abort();
      this.pump.dispose();
      super.dispose();
    }
  }

  private restart(): void {
    this.abort.abort();
    this.abort = new AbortController();
    this.loadingMore = false;
    this.loaded = false;
    this.problem = null;
    this.stateChanged.emit();
    const { signal } = this.abort;
    void this.fetchFresh(signal);
  }

  private async fetchFresh(signal: AbortSignal): Promise<void> {
    try {
      const page = await this.fetchPage(null, signal);
      if (signal.aborted || page === null) {
        return;
      }
      this.rows = page.runs;
      this.nextToken = page.next_page_token;
      this.total = page.total;
      this.problem = page.problem;
    } catch (error) {
      this.fail(error, signal);
    }
    if (!signal.aborted) {
      this.loaded = true;
      this.stateChanged.emit();
    }
  }

  private async fetchFirst(): Promise<void> {
    const { signal } = this.abort;
    try {
      const page = await this.fetchPage(null, signal);
      if (signal.aborted || page === null) {
        return;
      }
      const rows = renewFirstPage(this.rows, page);
      if (rows.length <= page.runs.length || this.nextToken === null) {
        this.nextToken = page.next_page_token;
      }
      this.rows = rows;
      this.total = page.total;
      this.problem = page.problem;
      this.loaded = true;
    } catch (error) {
      this.fail(error, signal);
    }
    if (!signal.aborted) {
      this.stateChanged.emit();
    }
  }

  private fetchPage(pageToken: string | null, signal: AbortSignal): Promise<RunPage | null> {
    if (this.workspaceId === null) {
      return Promise.resolve(null);
    }
    const query = {
      workspace: this.workspaceId,
      experiment: this.experimentId,
      search: this.search.trim(),
      pageToken,
      limit: PAGE_SIZE
    };
    return this.client.runs(query, signal);
  }

  private fail(error: unknown, signal: AbortSignal): void {
    if (signal.aborted) {
      return;
    }
    if (!(error instanceof ApiError)) {
      throw error;
    }
    this.problem = error.problem;
  }

  private clearTimer(): void {
    if (this.timer !== null) {
      clearTimeout(this.timer);
      this.timer = null;
    }
  }
}
