/** The runs that are being written now, of every kernel of this server. */
import { VDomModel } from '@jupyterlab/ui-components';
import { ApiError } from '../client';
import type { Client } from '../client';
import type { LiveRun, Problem, RunId, RunSummary, WorkspaceId } from '../types';
import type { Clock } from './clock';
import { Pace } from './pace';
import { Pump } from './pump';

/** Rows need no more than this many updates a second; the first of a burst goes at once. */
const MIN_GAP_MS = 100;

/** How many newest values of a metric are remembered for its trend. */
const REMEMBERED = 12;

export class LiveStore extends VDomModel {
  /** Those of this machine's kernels, then those that only the workspace's store knows. */
  runs: LiveRun[] = [];
  loaded = false;
  problem: Problem | null = null;
  /** Of everything that moves by itself. */
  readonly pace = new Pace();
  private readonly history = new Map<RunId, Map<string, (number | null)[]>>();
  private readonly abort = new AbortController();
  private readonly pump = new Pump(
    () => this.fetch(),
    MIN_GAP_MS,
    () => this.pace.waitMs
  );
  private here: LiveRun[] = [];
  private away: LiveRun[] = [];
  private workspace: WorkspaceId | null = null;

  constructor(
    private readonly client: Client,
    private readonly clock: Clock
  ) {
    super();
  }

  /** Runs that have not ended. */
  get running(): LiveRun[] {
    return this.runs.filter(({ summary }) => isRunning(summary.status));
  }

  /** Ask anew; the promise settles when the answer is in. */
  refresh(): Promise<void> {
    return this.pump.request();
  }

  /** Ask for runs that other machines write into a workspace; throws when that fails. */
  async lookAway(workspace: WorkspaceId): Promise<void> {
    if (workspace !== this.workspace) {
      this.workspace = workspace;
      this.away = [];
    }
    const { runs } = await this.client.live(this.abort.signal, workspace);
    if (!this.isDisposed && workspace === this.workspace) {
      this.away = runs.filter(run => run.elsewhere);
      this.merge();
      this.stateChanged.emit();
    }
  }

  /** Newest values of a metric since the page shows it, oldest first. */
  recent(run: LiveRun, key: string): readonly (number | null)[] {
    if (run.sparkline_key === key && run.sparkline.length > 1) {
      return run.sparkline;
    }
    return this.history.get(run.summary.run_id)?.get(key) ?? [];
  }

  /** The same run as the live list knows it, or as it was given when it is not there. */
  newest(run: RunSummary): RunSummary {
    const live = this.runs.find(({ summary }) => summary.run_id === run.run_id);
    return live === undefined || !isRunning(run.status) ? run : live.summary;
  }

  /** A number that grows when any run changed; for finding out whether a poll saw something. */
  get cursorSum(): number {
    return this.runs.reduce((sum, run) => sum + run.cursor, 0);
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.abort.abort();
      this.pump.dispose();
      super.dispose();
    }
  }

  private async fetch(): Promise<void> {
    try {
      const answer = await this.client.live(this.abort.signal);
      if (this.isDisposed) {
        return;
      }
      this.clock.set(answer.now_ms);
      this.here = answer.runs;
      this.problem = null;
      this.merge();
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
    this.pace.spend(() => this.stateChanged.emit());
  }

  private merge(): void {
    const known = new Set(this.here.map(({ summary }) => summary.run_id));
    this.runs = [...this.here, ...this.away.filter(one => !known.has(one.summary.run_id))];
    this.remember();
  }

  private remember(): void {
    const known = new Set(this.runs.map(({ summary }) => summary.run_id));
    for (const runId of this.history.keys()) {
      if (!known.has(runId)) {
        this.history.delete(runId);
      }
    }
    for (const { summary } of this.runs) {
      const metrics = this.history.get(summary.run_id) ?? new Map<string, (number | null)[]>();
      for (const { key, value } of summary.metrics.slice(0, 2)) {
        const values = metrics.get(key) ?? [];
        if (values[values.length - 1] !== value) {
          metrics.set(key, [...values, value].slice(-REMEMBERED));
        }
      }
      this.history.set(summary.run_id, metrics);
    }
  }
}

/** True for a run that has not ended. */
export function isRunning(status: LiveRun['summary']['status']): boolean {
  return status === 'RUNNING' || status === 'SCHEDULED';
}
