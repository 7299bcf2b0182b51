/** Several runs beside each other: what each keeps, and the points of the metrics that are in sight. */
import { VDomModel } from '@jupyterlab/ui-components';
import { Signal } from '@lumino/signaling';
import type { Client } from '../client';
import type { RunClient } from '../runClient';
import type { LiveRun, RunDetail, RunDetails, RunDiff, RunId, WorkspaceId } from '../types';
import { isRunning } from './liveStore';
import type { LiveStore } from './liveStore';
import { Pump } from './pump';
import { Resource } from './resource';
import { SeriesStore } from './seriesStore';

/** All lines of a chart together have about this many points. */
const POINTS_A_CHART = 24_000;
const MOST_POINTS = 2000;
const LEAST_POINTS = 300;
/** The pause between two questions about the points of one run grows with the number of runs. */
const GAP_MS_A_RUN = 50;
const LEAST_GAP_MS = 300;
const DETAILS_GAP_MS = 3000;

export class CompareStore extends VDomModel {
  readonly details: Resource<RunDetails>;
  /** Emits when points of any run came. */
  readonly pointsChanged = new Signal<this, void>(this);
  readonly maxPoints: number;
  private readonly series = new Map<RunId, SeriesStore>();
  private readonly cursors = new Map<RunId, number>();
  private off: ReadonlySet<RunId> = new Set();
  private resting = false;
  private readonly detailsPump: Pump;

  constructor(
    readonly client: Client,
    private readonly runClient: RunClient,
    private readonly live: LiveStore,
    readonly workspace: WorkspaceId,
    readonly runIds: readonly RunId[]
  ) {
    super();
    this.details = new Resource(signal => runClient.details(workspace, runIds, signal));
    const busyMs = (): number => (this.details.value === null ? 0 : live.pace.waitMs);
    this.detailsPump = new Pump(() => this.details.load(), DETAILS_GAP_MS, busyMs);
    this.details.stateChanged.connect(() => live.pace.spend(() => this.stateChanged.emit()));
    const points = Math.floor(POINTS_A_CHART / runIds.length);
    this.maxPoints = Math.min(MOST_POINTS, Math.max(LEAST_POINTS, points));
    const gapMs = Math.max(LEAST_GAP_MS, runIds.length * GAP_MS_A_RUN);
    for (const runId of runIds) {
      const store = new SeriesStore(client, workspace, runId, this.maxPoints, gapMs, live.pace);
      store.changed.connect(() => this.pointsChanged.emit());
      this.series.set(runId, store);
    }
    live.stateChanged.connect(this.onLive, this);
    void this.detailsPump.request();
  }

  /** The runs that are there, in the order they were asked for. */
  get runs(): readonly RunDetail[] {
    return this.details.value?.runs ?? [];
  }

  /** Those whose check is set. */
  get shown(): readonly RunDetail[] {
    return this.runs.filter(run => this.isShown(run.summary.run_id));
  }

  isShown(runId: RunId): boolean {
    return !this.off.has(runId);
  }

  /** Set or take away the checks of runs. */
  show(runIds: readonly RunId[], shown: boolean): void {
    const off = new Set(this.off);
    runIds.forEach(runId => (shown ? off.delete(runId) : off.add(runId)));
    this.off = off;
    this.stateChanged.emit();
  }

  /** Where a run stands among all: its colour and dash, whichever are shown. */
  indexOf(runId: RunId): number {
    return this.runIds.indexOf(runId);
  }

  seriesOf(runId: RunId): SeriesStore | undefined {
    return this.series.get(runId);
  }

  /** Have the points of these metrics, of each run that has them. */
  want(keys: readonly string[]): void {
    for (const { summary } of this.runs) {
      const own = new Set(summary.metrics.map(metric => metric.key));
      const listed = summary.hidden_metrics === 0;
      this.series.get(summary.run_id)?.want(keys.filter(key => !listed || own.has(key)));
    }
  }

  /** The page is behind another one: nothing is asked until it is not. */
  rest(resting: boolean): void {
    if (resting !== this.resting) {
      this.resting = resting;
      this.onLive();
    }
  }

  diff(left: RunId, right: RunId): Resource<RunDiff> {
    return new Resource(signal => this.runClient.diff(this.workspace, left, right, signal));
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.live.stateChanged.disconnect(this.onLive, this);
      this.detailsPump.dispose();
      this.details.dispose();
      this.series.forEach(store => store.dispose());
      Signal.clearData(this);
      super.dispose();
    }
  }

  /** Runs that went on since the last time have their points and values asked for. */
  private onLive(): void {
    if (this.resting || this.isDisposed) {
      return;
    }
    const own = this.live.runs.filter(run => this.series.has(run.summary.run_id));
    for (const run of own.filter(one => this.wentOn(one))) {
      this.cursors.set(run.summary.run_id, run.cursor);
      this.series.get(run.summary.run_id)?.refresh();
      void this.detailsPump.request();
    }
    if (this.runs.some(run => this.endedUnseen(run, own))) {
      void this.detailsPump.request();
    }
  }

  private wentOn({ summary, cursor }: LiveRun): boolean {
    return this.cursors.get(summary.run_id) !== cursor;
  }

  /** Known as running here, while the live list says otherwise. */
  private endedUnseen({ summary }: RunDetail, live: readonly LiveRun[]): boolean {
    const now = live.find(run => run.summary.run_id === summary.run_id);
    return isRunning(summary.status) && now !== undefined && !isRunning(now.summary.status);
  }
}
