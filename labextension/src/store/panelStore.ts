/**
 * What the panel shows, and when it asks for it: nothing before it was seen for the first time,
 * then on nudges, and by a poll that is slow while nudges come and quick while they do not.
 */
import { VDomModel } from '@jupyterlab/ui-components';
import type { Event } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { ApiError } from '../client';
import type { Client } from '../client';
import { WIRE_VERSION } from '../types';
import type {
  ExperimentId,
  ExperimentInfo,
  Nudge,
  Problem,
  RunId,
  SyncReport,
  WorkspaceId,
  WorkspaceInfo
} from '../types';
import { Clock } from './clock';
import { renumbered, UnlistedExperiments } from './experiments';
import { LiveStore } from './liveStore';
import { Lookers } from './lookers';
import { NudgeSource } from './nudges';
import { OptionsModel } from './options';
import { Pump } from './pump';
import { OpenRuns } from './runStore';
import { RunLists } from './runLists';
import type { RunsStore } from './runsStore';

/**
 * - `idle`: never shown; `connecting`: the first answer is awaited; `ready`;
 * - `missing`: the server extension is not there; `mismatch`: it speaks another wire version;
 * - `offline`: the Jupyter server does not answer.
 */
export type Phase = 'idle' | 'connecting' | 'ready' | 'missing' | 'mismatch' | 'offline';

const QUICK_POLL_MS = 1000;
const LONGEST_POLL_MS = 60_000;
const EXPERIMENTS_GAP_MS = 3000;
/** Polls between two looks at a list in which nothing seems to be under way. */
const QUIET_ROUNDS = 6;

export class PanelStore extends VDomModel {
  readonly clock = new Clock();
  readonly options = new OptionsModel();
  readonly live: LiveStore;
  readonly lists: RunLists;
  readonly runs: RunsStore;
  readonly openRuns: OpenRuns;
  phase: Phase = 'idle';
  problem: Problem | null = null;
  workspaces: WorkspaceInfo[] = [];
  workspace: WorkspaceInfo | null = null;
  experiments: ExperimentInfo[] = [];
  experimentId: ExperimentId | null = null;
  syncing = false;
  readonly nudges: NudgeSource;
  private readonly poll: Poll;
  private readonly abort = new AbortController();
  private readonly workspacePump = new Pump(() => this.fetchWorkspaces(), 200);
  private readonly experimentsPump = new Pump(() => this.fetchExperiments(), EXPERIMENTS_GAP_MS);
  private readonly unlisted = new UnlistedExperiments();
  private path: string | null = null;
  private chosen: WorkspaceId | null = null;
  /** True while the panel itself can be seen. */
  panelVisible = false;
  private readonly lookers = new Lookers(began => this.onLookers(began));
  private panelLook: IDisposable | null = null;
  private pollMs = 10_000;
  private lastCursorSum = 0;
  private round = 0;

  constructor(
    private readonly client: Client,
    events: Event.IManager
  ) {
    super();
    this.live = new LiveStore(client, this.clock);
    this.lists = new RunLists(client);
    this.runs = this.lists.main;
    this.openRuns = new OpenRuns(client, this.live.pace);
    this.nudges = new NudgeSource(events.stream);
    this.nudges.nudged.connect(this.onNudge, this);
    this.live.stateChanged.connect(this.learnExperiments, this);
    this.runs.stateChanged.connect(this.learnExperiments, this);
    this.poll = new Poll({
      auto: false,
      name: 'jupyter-mltrack:panel',
      factory: () => this.tick(),
      frequency: { interval: this.pollMs, backoff: true, max: LONGEST_POLL_MS },
      standby: () => (this.visible ? 'when-hidden' : true)
    });
  }

  /** How often to ask when nothing is announced. */
  setPollInterval(intervalMs: number): void {
    this.pollMs = intervalMs;
    this.adjustPoll();
  }

  /** True while the panel or one of its pages can be seen, and the browser shows their tab. */
  get visible(): boolean {
    return this.lookers.count > 0;
  }

  /** The panel came into view or left it. */
  setVisible(visible: boolean): void {
    if (visible === this.panelVisible || this.isDisposed) {
      return;
    }
    this.panelVisible = visible;
    if (visible) {
      this.panelLook = this.look();
    } else {
      this.panelLook?.dispose();
      this.panelLook = null;
    }
  }

  /** Somebody looks until the answer is disposed of. The first time, everything begins. */
  look(): IDisposable {
    return this.lookers.look();
  }

  private onLookers(began: boolean): void {
    if (this.isDisposed) {
      return;
    }
    this.stateChanged.emit();
    if (!began) {
      return;
    }
    if (this.phase === 'idle') {
      this.setPhase('connecting');
      this.nudges.open();
      void this.poll.start();
    } else {
      void this.refresh(); // A machine that slept heard nothing.
    }
  }

  /** The notebook in front is another one: its workspace becomes the current one. */
  setPath(path: string | null): void {
    if (path === this.path) {
      return;
    }
    this.path = path;
    this.chosen = null;
    if (this.phase === 'ready') {
      void this.workspacePump.request();
    }
  }

  chooseWorkspace(id: WorkspaceId): void {
    this.chosen = id;
    this.select(this.workspaces.find(one => one.id === id) ?? this.workspace);
  }

  chooseExperiment(id: ExperimentId | null): void {
    this.experimentId = id;
    if (this.workspace !== null) {
      this.runs.show(this.workspace.id, id);
    }
    this.stateChanged.emit();
  }

  /** Have a run opened in the list of runs, whichever experiment it is of. */
  openRun(runId: RunId): void {
    this.runs.want(runId);
    this.experimentId = this.runs.shownExperiment;
    this.stateChanged.emit();
  }

  /** Ask for everything again. */
  async refresh(): Promise<void> {
    await this.poll.refresh();
    if (this.phase === 'ready') {
      await Promise.all([this.lists.refresh(), this.fetchExperiments()]);
      this.openRuns.stores.forEach(store => store.onChanged());
    }
  }

  /** Ship what waits. Returns the server's report, or the problem. */
  async sync(): Promise<SyncReport | Problem> {
    this.syncing = true;
    this.stateChanged.emit();
    try {
      const report = await this.client.sync(this.workspace?.id ?? null, this.abort.signal);
      await this.workspacePump.request();
      return report;
    } catch (error) {
      if (error instanceof ApiError) {
        return error.problem;
      }
      throw error;
    } finally {
      this.syncing = false;
      this.stateChanged.emit();
    }
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this.abort.abort();
    this.lookers.dispose();
    this.poll.dispose();
    this.nudges.dispose();
    this.workspacePump.dispose();
    this.experimentsPump.dispose();
    this.live.dispose();
    this.lists.dispose();
    this.openRuns.stores.forEach(store => store.dispose());
    super.dispose();
  }

  private async tick(): Promise<void> {
    if (this.phase !== 'ready') {
      await (this.phase === 'mismatch' ? undefined : this.connect());
      return;
    }
    await Promise.all([this.live.refresh(), this.workspacePump.request()]);
    const sum = this.live.cursorSum;
    if (sum !== this.lastCursorSum) {
      this.lastCursorSum = sum;
      this.nudges.sawChange();
      if (this.nudges.deaf) {
        this.openRuns.stores.forEach(store => store.onPoints(0));
        void this.lists.refresh();
      }
    }
    this.round += 1;
    if (this.lists.unsettled || this.round % QUIET_ROUNDS === 0) {
      void this.lists.refresh(); // Shipping, and runs of other machines, announce nothing here.
    }
    this.adjustPoll();
    if (this.live.problem === null) {
      this.openRuns.catchUp(this.live.runs);
    } else {
      throw new Error(this.live.problem.message); // The poll backs off.
    }
  }

  private async connect(): Promise<void> {
    try {
      const status = await this.client.status(this.abort.signal);
      this.clock.set(status.now_ms);
      if (status.wire_version !== WIRE_VERSION) {
        this.setPhase('mismatch');
        void this.poll.stop();
        return;
      }
    } catch (error) {
      if (this.isDisposed) {
        return;
      }
      if (!(error instanceof ApiError)) {
        throw error;
      }
      this.problem = error.problem;
      this.setPhase(error.kind === 'missing' ? 'missing' : 'offline');
      throw error; // The poll backs off.
    }
    await Promise.all([this.workspacePump.request(), this.live.refresh()]);
    this.lastCursorSum = this.live.cursorSum;
    if (this.workspace !== null) {
      this.setPhase('ready');
    }
  }

  private adjustPoll(): void {
    const quick = this.nudges.deaf && this.live.running.length > 0;
    const interval = quick ? Math.min(QUICK_POLL_MS, this.pollMs) : this.pollMs;
    this.poll.frequency = { interval, backoff: true, max: LONGEST_POLL_MS };
  }

  private async fetchWorkspaces(): Promise<void> {
    try {
      const { workspaces } = await this.client.workspaces(this.path, this.abort.signal);
      this.workspaces = workspaces;
      this.problem = null;
      const wanted = this.chosen ?? workspaces.find(one => one.current)?.id;
      this.select(workspaces.find(one => one.id === wanted) ?? workspaces[0] ?? null);
    } catch (error) {
      if (this.isDisposed) {
        return;
      }
      if (!(error instanceof ApiError)) {
        throw error;
      }
      this.problem = error.problem;
      this.setPhase(error.kind === 'problem' ? this.phase : 'offline');
    }
  }

  private select(workspace: WorkspaceInfo | null): void {
    const before = this.workspace;
    const other = workspace?.id !== before?.id;
    this.workspace = workspace;
    if (workspace !== null && other) {
      this.experiments = [];
      this.experimentId = null;
      this.unlisted.clear();
      void this.fetchExperiments(true);
    } else if (workspace?.health.state !== before?.health.state) {
      void this.lists.refresh(); // What they said of a workspace in that state holds no more.
    }
    this.stateChanged.emit();
  }

  private async fetchExperiments(chooseOwn = false): Promise<void> {
    const { workspace } = this;
    if (workspace === null) {
      return;
    }
    try {
      const { experiments } = await this.client.experiments(workspace.id, this.abort.signal);
      if (this.workspace?.id !== workspace.id) {
        return;
      }
      this.experiments = experiments;
      this.experimentId = renumbered(this.experimentId, experiments);
      if (chooseOwn) {
        const own = experiments.find(one => one.name === workspace.experiment);
        this.experimentId = own?.id ?? null;
      }
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      // The list of runs says what is wrong; the selector keeps what it has.
    }
    if (!this.isDisposed && this.workspace?.id === workspace.id) {
      this.runs.show(workspace.id, this.experimentId);
      this.stateChanged.emit();
    }
  }

  private onNudge(_: NudgeSource, nudge: Nudge): void {
    if (this.phase !== 'ready') {
      return;
    }
    if (!this.visible) {
      return; // Who looks next has everything asked for.
    }
    if (nudge.kind !== 'health') {
      nudge.run_ids.forEach((runId, index) => {
        const store = this.openRuns.get(runId);
        if (nudge.kind === 'points') {
          store?.onPoints(nudge.cursors[index] ?? 0);
        } else {
          store?.onChanged();
        }
      });
    }
    this.refreshFor(nudge);
  }

  private refreshFor(nudge: Nudge): void {
    switch (nudge.kind) {
      case 'points':
        void this.live.refresh();
        break;
      case 'runs':
        void this.live.refresh();
        void this.lists.refresh();
        break;
      case 'health':
        void this.workspacePump.request();
        break;
      default:
        nudge.kind satisfies never;
    }
  }

  /** A run may belong to an experiment that is new. */
  private learnExperiments(): void {
    const own = this.live.runs
      .map(({ summary }) => summary)
      .filter(run => run.workspace_id === this.workspace?.id);
    const rows = [...own, ...this.runs.rows];
    const asks = this.phase === 'ready' && !this.isDisposed;
    if (asks && this.unlisted.foundIn(rows, this.experiments)) {
      void this.experimentsPump.request();
    }
  }

  private setPhase(phase: Phase): void {
    if (phase !== this.phase) {
      this.phase = phase;
      this.stateChanged.emit();
    }
  }
}
