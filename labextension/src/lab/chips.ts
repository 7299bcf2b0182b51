/** A chip beside each tracked cell of the notebook in front: its run, how it is, its newest value. */
import type { Cell } from '@jupyterlab/cells';
import { NotebookActions } from '@jupyterlab/notebook';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { PanelTools } from '../panel/context';
import type { SettingsModel } from '../settings';
import { isRunning } from '../store/liveStore';
import { Pump } from '../store/pump';
import type { LiveRun, RunId, RunSummary, WorkspaceId } from '../types';
import { Chip } from './chip';
import { nameRun, runOfCell } from './cellRun';
import type { CellRun } from './cellRun';

const GAP_MS = 250;
const MOST_ASKED = 50;
/** After a failure runs are asked for again, later each time. */
const RETRY_MS = 5000;
const LONGEST_RETRY_MS = 300_000;

export class CellChips {
  private notebook: NotebookPanel | null = null;
  private readonly chips = new Map<Cell, Chip>();
  /** Of runs that ended before this page saw them; null for one that is not there. */
  private readonly known = new Map<RunId, RunSummary | null>();
  /** Of each cell that was told to run again, the runs that it had made before. */
  private readonly former = new Map<string, ReadonlySet<RunId>>();
  private readonly pump = new Pump(() => this.renew(), GAP_MS);
  private abort = new AbortController();
  private retry: ReturnType<typeof setTimeout> | null = null;
  private retryMs = RETRY_MS;

  constructor(
    private readonly tools: PanelTools,
    private readonly settings: SettingsModel,
    private readonly notebooks: INotebookTracker
  ) {}

  open(): void {
    const renew = (): void => void this.pump.request();
    this.notebooks.currentChanged.connect(() => this.follow());
    this.tools.store.live.stateChanged.connect(renew);
    this.settings.changed.connect(renew);
    NotebookActions.executionScheduled.connect((_, { cell }) => {
      const made = this.tools.store.live.runs.filter(({ cell_id }) => cell_id === cell.model.id);
      this.former.set(cell.model.id, new Set(made.map(({ summary }) => summary.run_id)));
    });
    NotebookActions.executed.connect(renew);
    this.follow();
  }

  private follow(): void {
    const { currentWidget } = this.notebooks;
    if (currentWidget === this.notebook) {
      return;
    }
    this.abort.abort();
    this.abort = new AbortController();
    clearTimeout(this.retry ?? undefined);
    this.retry = null;
    this.retryMs = RETRY_MS;
    this.notebook?.content.model?.cells.changed.disconnect(this.onCells, this);
    this.clear();
    this.notebook = currentWidget;
    void currentWidget?.context.ready.then(() => {
      if (currentWidget === this.notebook && !currentWidget.isDisposed) {
        currentWidget.content.model?.cells.changed.connect(this.onCells, this);
        void this.pump.request();
      }
    });
  }

  private onCells(): void {
    void this.pump.request();
  }

  private async renew(): Promise<void> {
    const { notebook } = this;
    if (notebook === null || notebook.isDisposed || !this.settings.value.chips) {
      this.clear();
      return;
    }
    const runs = this.runsOf(notebook);
    this.show(runs);
    if (await this.ask([...runs.values()])) {
      this.show(this.runsOf(notebook));
    }
  }

  /** Which run each tracked cell made last. */
  private runsOf(notebook: NotebookPanel): Map<Cell, CellRun> {
    const path = notebook.context.path;
    const found = new Map<Cell, CellRun>();
    const live = [...this.tools.store.live.runs]
      .filter(run => run.notebook_path === '' || run.notebook_path === path)
      .sort((a, b) => b.summary.start_ms - a.summary.start_ms);
    for (const cell of notebook.content.widgets) {
      const told = runOfCell(cell.model);
      const own = live.find(run => this.isOf(cell, run) || run.summary.run_id === told?.runId);
      if (own !== undefined) {
        const { run_id: runId, workspace_id: workspace } = own.summary;
        this.known.set(runId, own.summary);
        found.set(cell, { runId, workspace });
        if (told === null && !isRunning(own.summary.status)) {
          nameRun(cell.model, { runId, workspace }); // Its output does not: the cell is a quiet one.
        }
      } else if (told !== null) {
        found.set(cell, told);
      }
    }
    return found;
  }

  /** Whether the cell's newest execution made the run; one that still runs is the cell's anyway. */
  private isOf(cell: Cell, { summary, cell_id }: LiveRun): boolean {
    const { id } = cell.model;
    const isFormer = this.former.get(id)?.has(summary.run_id) === true;
    return cell_id === id && (!isFormer || isRunning(summary.status));
  }

  private show(runs: ReadonlyMap<Cell, CellRun>): void {
    for (const [cell, chip] of this.chips) {
      const run = runs.get(cell);
      if (cell.isDisposed || run === undefined || !this.known.get(run.runId)) {
        chip.dispose();
        this.chips.delete(cell);
      }
    }
    for (const [cell, { runId }] of runs) {
      const summary = this.known.get(runId);
      if (summary) {
        const chip = this.chips.get(cell) ?? new Chip(this.tools, cell);
        this.chips.set(cell, chip);
        chip.show(summary);
      }
    }
  }

  /** Ask for runs that nothing is known of, once; true when something came. */
  private async ask(runs: readonly CellRun[]): Promise<boolean> {
    if (this.retry !== null) {
      return false; // It failed a moment ago.
    }
    const byWorkspace = new Map<WorkspaceId, RunId[]>();
    for (const { workspace, runId } of runs) {
      if (!this.known.has(runId)) {
        byWorkspace.set(workspace, [...(byWorkspace.get(workspace) ?? []), runId]);
      }
    }
    const { signal } = this.abort;
    for (const [workspace, ids] of byWorkspace) {
      await this.askOne(workspace, ids.slice(0, MOST_ASKED), signal);
      if (ids.length > MOST_ASKED) {
        void this.pump.request();
      }
    }
    return byWorkspace.size > 0 && !signal.aborted;
  }

  private async askOne(
    workspace: WorkspaceId,
    asked: readonly RunId[],
    signal: AbortSignal
  ): Promise<void> {
    try {
      const { runs } = await this.tools.runClient.details(workspace, [...asked], signal);
      asked.forEach(runId => this.known.set(runId, null));
      runs.forEach(({ summary }) => this.known.set(summary.run_id, summary));
      this.retryMs = RETRY_MS;
    } catch {
      // A workspace that this server does not know, or cannot reach now: no chip until it can.
      if (!signal.aborted) {
        this.askLater();
      }
    }
  }

  private askLater(): void {
    this.retry ??= setTimeout(() => this.askAgain(), this.retryMs);
    this.retryMs = Math.min(2 * this.retryMs, LONGEST_RETRY_MS);
  }

  private askAgain(): void {
    this.retry = null;
    void this.pump.request();
  }

  private clear(): void {
    this.chips.forEach(chip => chip.dispose());
    this.chips.clear();
  }
}
