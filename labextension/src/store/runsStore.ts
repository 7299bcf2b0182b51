/** A list of runs of a workspace: one experiment or all, filtered, sorted, page by page. */
import { VDomModel } from '@jupyterlab/ui-components';
import { ApiError } from '../client';
import type { Client } from '../client';
import { RunClient } from '../runClient';
import type { ExperimentId, Problem, RunId, RunPage, RunSummary, WorkspaceId } from '../types';
import { ColumnsStore } from './columnsStore';
import type { Memory } from './columnsStore';
import { appendPage, pageLength, renewFirstPage } from './pages';
import { Pump } from './pump';
import { patched, RunTree } from './runTree';
import type { ListedRow } from './runTree';
import { isTree, needsMore, queryOf, START_WISH } from './runsQuery';
import type { ListWish } from './runsQuery';
import type { ColumnId } from './terms';
import { all, extended, nothing, pruned, toggled } from './selection';
import type { Selection } from './selection';

const FIRST_PAGE = 50;
const NEXT_PAGE = 100;
/** Rows of these are looked at for runs that are about to change. */
const LOOKED_AT = 100;
/** Keys that follow each other sooner are of one word. */
const TYPING_MS = 100;
const MIN_GAP_MS = 1000;

type PageQuery = Parameters<Client['runs']>[0];

export class RunsStore extends VDomModel {
  rows: RunSummary[] = [];
  total: number | null = null;
  /** False until the first answer for what is asked now. */
  loaded = false;
  /** What is wrong with the search or the store; shown under the box. */
  problem: Problem | null = null;
  /** The run that somebody asked to see, until the list has opened it. */
  wanted: RunId | null = null;
  /** Grows when the rows are others than before: the list is shown from its top. */
  generation = 0;
  readonly columns: ColumnsStore;
  private currentWish: ListWish = START_WISH;
  private currentSelection: Selection<RunId> = nothing();
  private flat: readonly ListedRow[] | null = null;
  private workspaceId: WorkspaceId | null = null;
  private experimentId: ExperimentId | null = null;
  private nextToken: string | null = null;
  private loadingMore = false;
  private abort = new AbortController();
  private timer: ReturnType<typeof setTimeout> | null = null;
  private typedAt = -TYPING_MS;
  private readonly pump = new Pump(() => this.fetchFirst(), MIN_GAP_MS);
  private readonly tree = new RunTree(
    (parent, pageToken, signal) => this.fetchPage({ pageToken, parent, roots: false }, signal),
    () => this.changed()
  );

  constructor(
    private readonly client: Client,
    memory: () => Memory | null = () => null,
    columns: () => readonly string[] | null = () => null
  ) {
    super();
    this.columns = new ColumnsStore(new RunClient(client), memory, columns);
  }

  get search(): string {
    return this.currentWish.search;
  }

  get wish(): ListWish {
    return this.currentWish;
  }

  get workspace(): WorkspaceId | null {
    return this.workspaceId;
  }

  /** null for all. */
  get shownExperiment(): ExperimentId | null {
    return this.experimentId;
  }

  get hasMore(): boolean {
    return this.nextToken !== null;
  }

  /** Runs from the top, each opened parent followed by its children. */
  get listed(): readonly ListedRow[] {
    this.flat ??= this.tree.flat(this.rows);
    return this.flat;
  }

  /** The ids of all runs that are in the list now. */
  get listedIds(): RunId[] {
    return this.listed.flatMap(row => (row.kind === 'run' ? [row.run.run_id] : []));
  }

  get selected(): ReadonlySet<RunId> {
    return this.currentSelection.chosen;
  }

  /** The chosen runs, in the order of the list. */
  get selectedRuns(): RunSummary[] {
    return this.listed.flatMap(row =>
      row.kind === 'run' && this.selected.has(row.run.run_id) ? [row.run] : []
    );
  }

  /** True when some run of the list has child runs below it. */
  get hasBranches(): boolean {
    return this.isTree && this.rows.some(run => run.children > 0);
  }

  /** True while the first rows are about to change: running, or not in the store yet. */
  get unsettled(): boolean {
    return this.rows
      .slice(0, LOOKED_AT)
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

  /** Have a run opened; one that is not among the rows is searched for. */
  want(runId: RunId): void {
    this.wanted = runId;
    if (this.listedIds.includes(runId)) {
      this.stateChanged.emit();
      return;
    }
    this.experimentId = null;
    this.currentWish = { ...START_WISH, search: `attributes.run_id = '${runId}'` };
    this.restart();
  }

  /** Before anything is shown: what is searched for. */
  begin(search: string): void {
    this.currentWish = { ...START_WISH, search };
  }

  /** Take over what was typed; asked at once after a pause, else when typing pauses. */
  setSearch(search: string): void {
    this.currentWish = { ...this.currentWish, search };
    const sinceLast = performance.now() - this.typedAt;
    this.typedAt += sinceLast;
    this.stateChanged.emit();
    this.clearTimer();
    const wait = sinceLast > TYPING_MS ? 0 : TYPING_MS;
    this.timer = setTimeout(() => this.searchNow(), wait);
  }

  /** Do not wait for typing to pause. */
  searchNow(): void {
    this.clearTimer();
    this.restart();
  }

  /** Ask for something else of the same place. */
  setWish(change: Partial<ListWish>): void {
    this.currentWish = { ...this.currentWish, ...change };
    this.restart();
  }

  /** What rows hold: these columns, or null for the main metrics. */
  hold(columns: readonly ColumnId[] | null): void {
    const before = this.currentWish.columns;
    const unique = columns === null ? null : [...new Set(columns)];
    if (JSON.stringify(before) !== JSON.stringify(unique)) {
      this.currentWish = { ...this.currentWish, columns: unique };
      if (this.rows.length > 0 && needsMore(before, unique)) {
        this.restart();
      }
    }
  }

  /** Ask for the newest runs again; rows that are there stay. */
  refresh(): Promise<void> {
    if (this.workspaceId === null) {
      return Promise.resolve();
    }
    this.tree.refresh();
    return this.pump.request();
  }

  /** Ask for the list from its beginning; what is there stays until the answer is in. */
  reload(): void {
    if (this.workspaceId !== null) {
      this.restart();
    }
  }

  isBranchOpen(runId: RunId): boolean {
    return this.tree.isOpen(runId);
  }

  toggleBranch(runId: RunId): void {
    this.tree.toggle(runId);
  }

  loadMoreBelow(parent: RunId): void {
    this.tree.loadMore(parent);
  }

  /** Choose a run or take it out; `range` chooses all from the last one that was clicked. */
  select(runId: RunId, range: boolean): void {
    this.currentSelection = range
      ? extended(this.currentSelection, this.listedIds, runId)
      : toggled(this.currentSelection, runId);
    this.stateChanged.emit();
  }

  selectAll(): void {
    this.currentSelection = all(this.listedIds);
    this.stateChanged.emit();
  }

  selectNone(): void {
    this.currentSelection = nothing();
    this.stateChanged.emit();
  }

  /** Change runs that are here, before the server has said so; null takes one out. */
  patch(change: (run: RunSummary) => RunSummary | null): void {
    const before = this.rows.length;
    this.rows = patched(this.rows, change);
    if (this.total !== null) {
      this.total -= before - this.rows.length;
    }
    this.tree.patch(change);
    this.changed();
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
      const page = await this.fetchPage(
        { pageToken: token, limit: this.limitOf(NEXT_PAGE) },
        signal
      );
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
        this.changed();
      }
    }
  }

  /** A page of the whole list, for somebody who goes through all of it. */
  fetchPage(
    change: Partial<PageQuery> & { pageToken: string | null },
    signal: AbortSignal
  ): Promise<RunPage | null> {
    if (this.workspaceId === null) {
      return Promise.resolve(null);
    }
    const query = {
      workspace: this.workspaceId,
      experiment: this.experimentId,
      limit: this.limitOf(FIRST_PAGE),
      ...queryOf(this.currentWish),
      ...change
    };
    return this.client.runs(query, signal);
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.clearTimer();
      this.abort.abort();
      this.pump.dispose();
      this.tree.dispose();
      this.columns.dispose();
      super.dispose();
    }
  }

  private limitOf(rows: number): number {
    return pageLength(rows, this.currentWish.columns?.length ?? 0);
  }

  private restart(): void {
    this.abort.abort();
    this.abort = new AbortController();
    this.loadingMore = false;
    this.loaded = false;
    this.problem = null;
    const { signal } = this.abort;
    if (this.workspaceId !== null) {
      const deleted = this.currentWish.view === 'deleted';
      const place = { workspace: this.workspaceId, experiment: this.experimentId };
      void this.columns.show({ ...place, search: '', deleted });
    }
    this.stateChanged.emit();
    void this.fetchFresh(signal);
  }

  private async fetchFresh(signal: AbortSignal): Promise<void> {
    try {
      const page = await this.fetchPage({ pageToken: null }, signal);
      if (signal.aborted || page === null) {
        return;
      }
      this.tree.clear();
      this.rows = page.runs;
      this.nextToken = page.next_page_token;
      this.total = page.total;
      this.problem = page.problem;
      this.generation += 1;
    } catch (error) {
      this.fail(error, signal);
    }
    if (!signal.aborted) {
      this.loaded = true;
      this.changed();
    }
  }

  private async fetchFirst(): Promise<void> {
    const { signal } = this.abort;
    try {
      const page = await this.fetchPage({ pageToken: null }, signal);
      if (signal.aborted || page === null) {
        return;
      }
      const rows = this.renewed(page);
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
      this.changed();
    }
  }

  /** Rows behind the first page stay; in another order than by age only where they join. */
  private renewed(page: RunPage): RunSummary[] {
    const last = page.runs[page.runs.length - 1];
    const joins = this.rows.some(run => run.run_id === last?.run_id);
    return this.currentWish.order === null || joins
      ? renewFirstPage(this.rows, page)
      : [...page.runs];
  }

  /** True when child runs are shown below their parents. */
  get isTree(): boolean {
    return isTree(this.currentWish);
  }

  /** Rows are others now. */
  private changed(): void {
    this.flat = null;
    if (this.selected.size > 0) {
      this.currentSelection = pruned(this.currentSelection, this.listedIds);
    }
    this.stateChanged.emit();
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
