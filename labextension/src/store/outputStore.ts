/** What a run printed: the newest lines, then what comes after them. */
import { VDomModel } from '@jupyterlab/ui-components';
import type { RunClient } from '../runClient';
import type { OutputLine, Problem, RunId, WorkspaceId } from '../types';
import { Pump } from './pump';
import { problemOf } from './resource';

const LINES_AT_ONCE = 1000;
/** Lines that a page holds; older ones are in the artifact. */
const MOST_LINES = 20_000;
const MIN_GAP_MS = 700;

export class OutputStore extends VDomModel {
  lines: OutputLine[] = [];
  loaded = false;
  /** How many lines before these are not shown. */
  dropped = 0;
  /** Of the artifact that has all of it. */
  path = '';
  problem: Problem | null = null;
  private cursor = 0;
  private readonly abort = new AbortController();
  private readonly pump = new Pump(() => this.fetch(), MIN_GAP_MS);

  constructor(
    private readonly client: RunClient,
    private readonly workspace: WorkspaceId,
    private readonly runId: RunId
  ) {
    super();
  }

  /** Ask for what came since. */
  refresh(): void {
    void this.pump.request();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.abort.abort();
      this.pump.dispose();
      super.dispose();
    }
  }

  private async fetch(): Promise<void> {
    const run = { workspace: this.workspace, runId: this.runId };
    try {
      const answer = await this.client.output(run, this.cursor, LINES_AT_ONCE, this.abort.signal);
      if (this.isDisposed) {
        return;
      }
      const before = answer.cursor < this.cursor ? [] : this.lines;
      const lines = [...before, ...answer.lines];
      const over = Math.max(0, lines.length - MOST_LINES);
      this.dropped = (before.length === 0 ? answer.dropped : this.dropped) + over;
      this.lines = over > 0 ? lines.slice(over) : lines;
      this.cursor = answer.cursor;
      this.path = answer.path;
      this.problem = null;
    } catch (error) {
      if (this.isDisposed) {
        return;
      }
      this.problem = problemOf(error);
    }
    this.loaded = true;
    this.stateChanged.emit();
  }
}
