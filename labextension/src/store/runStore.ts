/** One opened run: its parameters and its points, kept current while somebody looks at it. */
import { VDomModel } from '@jupyterlab/ui-components';
import { Signal } from '@lumino/signaling';
import { SeriesData } from '../chart/merge';
import { ApiError } from '../client';
import type { Client } from '../client';
import type { LiveRun, Problem, RunDetail, RunId, RunStatus, WorkspaceId } from '../types';
import type { Pace } from './pace';
import { Pump } from './pump';

export class RunStore extends VDomModel {
  readonly data = new SeriesData();
  /** Emits when points came; `stateChanged` emits for everything else. */
  readonly pointsChanged = new Signal<this, void>(this);
  detail: RunDetail | null = null;
  status: RunStatus | null = null;
  /** False until the first answer with points (or without any) has come. */
  loaded = false;
  hiddenColumns = 0;
  note = '';
  /** How many of those who took it cannot be seen now; asked for nothing while that is all. */
  private resting = 0;
  private users = 1;
  private stale = false;
  /** Of the newest question for each of both; an answer to one does not heal the other. */
  private detailProblem: Problem | null = null;
  private seriesProblem: Problem | null = null;
  private readonly abort = new AbortController();
  private readonly seriesPump = new Pump(
    () => this.fetchSeries(),
    0,
    () => (this.loaded ? this.pace.waitMs : 0)
  );
  private readonly detailPump = new Pump(() => this.fetchDetail(), 500);

  constructor(
    private readonly client: Client,
    readonly workspaceId: WorkspaceId,
    readonly runId: RunId,
    private readonly pace: Pace
  ) {
    super();
  }

  get running(): boolean {
    return this.status === 'RUNNING' || this.status === 'SCHEDULED';
  }

  /** Why it is not known, or not any more: a deleted run still has its points. */
  get problem(): Problem | null {
    return this.detailProblem ?? this.seriesProblem;
  }

  /** Fetch everything; call once. */
  open(): void {
    void this.seriesPump.request();
    void this.detailPump.request();
  }

  /** New points are there, up to `cursor`. */
  onPoints(cursor: number): void {
    if (this.isResting) {
      this.stale = true;
    } else if (cursor > this.data.cursor || cursor === 0) {
      void this.seriesPump.request();
    }
  }

  /** The run's own state changed: it ended, was renamed, got parameters. */
  onChanged(): void {
    if (this.isResting) {
      this.stale = true;
      return;
    }
    void this.seriesPump.request();
    void this.detailPump.request();
  }

  /** Those who cannot be seen became more or fewer. */
  rest(change: 1 | -1): void {
    this.resting += change;
    this.wake();
  }

  /** How many have it open. */
  setUsers(users: number): void {
    this.users = users;
    this.wake();
  }

  private wake(): void {
    if (this.stale && !this.isResting) {
      this.stale = false;
      this.onChanged();
    }
  }

  private get isResting(): boolean {
    return this.resting > 0 && this.resting >= this.users;
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this.abort.abort();
    this.seriesPump.dispose();
    this.detailPump.dispose();
    super.dispose();
  }

  private async fetchSeries(): Promise<void> {
    const { client, workspaceId, runId, data, abort } = this;
    try {
      const series = await client.series(workspaceId, runId, data.cursor, abort.signal);
      if (this.isDisposed) {
        return;
      }
      const first = !this.loaded;
      const changed = data.apply(series);
      const state = this.stateKey();
      this.loaded = true;
      this.seriesProblem = null;
      if (this.detailProblem !== null && this.detailProblem.code !== 'not_found') {
        void this.detailPump.request(); // The workspace answers again.
      }
      this.status = series.status;
      this.hiddenColumns = series.hidden_columns;
      this.note = series.note;
      if (changed) {
        this.pace.spend(() => this.pointsChanged.emit());
      }
      if (first || state !== this.stateKey()) {
        this.stateChanged.emit();
      }
    } catch (error) {
      this.seriesProblem = this.failed(error);
      this.stateChanged.emit();
    }
  }

  private stateKey(): string {
    return `${this.status ?? ''} ${this.hiddenColumns} ${this.note} ${this.problem?.message ?? ''}`;
  }

  private async fetchDetail(): Promise<void> {
    const { client, workspaceId, runId, abort } = this;
    try {
      const detail = await client.run(workspaceId, runId, abort.signal);
      if (this.isDisposed) {
        return;
      }
      this.detail = detail;
      this.detailProblem = null;
      this.status = detail.summary.status;
      this.stateChanged.emit();
    } catch (error) {
      this.detailProblem = this.failed(error);
      this.stateChanged.emit();
    }
  }

  /** The problem of an answer; null where nobody waits for it any more. */
  private failed(error: unknown): Problem | null {
    if (this.isDisposed) {
      return null;
    }
    if (!(error instanceof ApiError)) {
      throw error;
    }
    return error.problem;
  }
}

/** Opened runs by id, shared by the sections that show them. */
export class OpenRuns {
  private readonly open = new Map<RunId, { store: RunStore; users: number }>();

  constructor(
    private readonly client: Client,
    private readonly pace: Pace
  ) {}

  get stores(): RunStore[] {
    return [...this.open.values()].map(entry => entry.store);
  }

  /** The store of a run, opened by the first who takes it. Give it back with `release`. */
  take(workspaceId: WorkspaceId, runId: RunId): RunStore {
    const known = this.open.get(runId);
    if (known !== undefined) {
      known.users += 1;
      known.store.setUsers(known.users);
      return known.store;
    }
    const store = new RunStore(this.client, workspaceId, runId, this.pace);
    this.open.set(runId, { store, users: 1 });
    store.open();
    return store;
  }

  release(runId: RunId): void {
    const known = this.open.get(runId);
    if (known === undefined) {
      return;
    }
    known.users -= 1;
    known.store.setUsers(known.users);
    if (known.users === 0) {
      this.open.delete(runId);
      known.store.dispose();
    }
  }

  /**
   * After a poll: ask again for what could not be asked while the server was away, and for runs
   * whose end was not announced.
   */
  catchUp(live: readonly LiveRun[]): void {
    const there = new Set(live.map(({ summary }) => summary.run_id));
    for (const store of this.stores) {
      const failed = store.problem !== null && store.problem.code !== 'not_found';
      if (failed || (store.running && !there.has(store.runId))) {
        store.onChanged();
      }
    }
  }

  /** Whoever took it cannot be seen; the answer is called when that ends. */
  rest(runId: RunId): () => void {
    const known = this.open.get(runId);
    known?.store.rest(1);
    return () => known?.store.rest(-1);
  }

  get(runId: RunId): RunStore | undefined {
    return this.open.get(runId)?.store;
  }
}
