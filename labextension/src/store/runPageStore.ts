/** What the page of one run shows, each part asked for when it is first looked at. */
import type { Client } from '../client';
import type { RunClient } from '../runClient';
import type { RunAbout, RunId, WorkspaceId } from '../types';
import { MetricTableStore } from './metricTable';
import { OutputStore } from './outputStore';
import type { Pace } from './pace';
import type { PanelStore } from './panelStore';
import { Resource } from './resource';
import { RunActs } from './runActs';
import type { RunStore } from './runStore';

/** Metrics a page can draw besides those that come by themselves are asked for with this many points. */
const MOST_POINTS = 2000;
/** Shipping announces nothing: a run that waits for it is asked for again this often. */
const UNSETTLED_MS = 4000;

export class RunPageStore {
  readonly run: RunStore;
  readonly about: Resource<RunAbout>;
  readonly metrics: MetricTableStore;
  readonly output: OutputStore;
  readonly acts: RunActs;
  readonly maxPoints = MOST_POINTS;
  private wasRunning = false;
  private seen = true;
  private readonly timer = setInterval(() => this.settle(), UNSETTLED_MS);

  constructor(
    readonly client: Client,
    runClient: RunClient,
    private readonly panel: PanelStore,
    readonly workspace: WorkspaceId,
    readonly runId: RunId
  ) {
    const words = { workspace, runId };
    this.run = panel.openRuns.take(workspace, runId);
    this.about = new Resource(signal => runClient.about(words, signal));
    this.metrics = new MetricTableStore(runClient, workspace, runId);
    this.output = new OutputStore(runClient, workspace, runId);
    this.acts = new RunActs(runClient, workspace, runId, () => {
      this.run.onChanged();
      void panel.runs.refresh();
    });
    this.run.stateChanged.connect(this.onRun, this);
    void this.about.load();
  }

  /** Of everything that moves by itself. */
  get pace(): Pace {
    return this.panel.live.pace;
  }

  /** The run is not in the workspace any more, or only among what was deleted. */
  get gone(): boolean {
    return this.run.problem?.code === 'not_found' || this.run.detail?.summary.deleted === true;
  }

  /** The page came into sight, or is behind another one. */
  setSeen(seen: boolean): void {
    this.seen = seen;
  }

  dispose(): void {
    clearInterval(this.timer);
    this.run.stateChanged.disconnect(this.onRun, this);
    this.about.dispose();
    this.metrics.dispose();
    this.output.dispose();
    this.acts.dispose();
    this.panel.openRuns.release(this.runId);
  }

  /** What is known from this machine alone is about to be in the workspace. */
  private settle(): void {
    const { detail, running } = this.run;
    const waits = detail !== null && (detail.merged || detail.summary.waiting_points > 0);
    if (waits && !running && this.seen && !document.hidden) {
      this.run.onChanged();
      this.metrics.refresh();
      void this.about.load();
    }
  }

  /** A run that ended has its surroundings complete: they are asked for once more. */
  private onRun(): void {
    const { running } = this.run;
    if (this.wasRunning && !running) {
      void this.about.load();
    }
    this.wasRunning = running;
  }
}
