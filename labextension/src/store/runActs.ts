/** What can be done to a run: each act says what went wrong, and whoever shows the run asks anew. */
import { VDomModel } from '@jupyterlab/ui-components';
import type { RunClient } from '../runClient';
import type { Problem, RunId, RunsChanged, WorkspaceId } from '../types';
import { problemOf } from './resource';

const STAR = 'mltrack.starred';

export class RunActs extends VDomModel {
  busy = false;
  /** Why the last act did not happen; null when it did. */
  problem: Problem | null = null;
  private readonly abort = new AbortController();

  /**
   * @param onDone something of the run is different now.
   */
  constructor(
    private readonly client: RunClient,
    private readonly workspace: WorkspaceId,
    private readonly runId: RunId,
    private readonly onDone: () => void
  ) {
    super();
  }

  rename(name: string): Promise<boolean> {
    const run = { workspace: this.workspace, runId: this.runId };
    return this.act(signal => this.client.rename(run, name, signal));
  }

  star(starred: boolean): Promise<boolean> {
    return this.tag(STAR, starred ? 'true' : null);
  }

  /** Set a tag; null takes it away. */
  tag(key: string, value: string | null): Promise<boolean> {
    return this.act(signal => this.client.tag(this.workspace, [this.runId], key, value, signal));
  }

  /** The same for who shows by itself why it did not happen. */
  async setTag(key: string, value: string | null): Promise<Problem | null> {
    const { workspace, runId, abort } = this;
    let problem: Problem | null = null;
    try {
      const { problems } = await this.client.tag(workspace, [runId], key, value, abort.signal);
      problem = problems[0] ?? null;
    } catch (error) {
      problem = problemOf(error);
    }
    if (!this.isDisposed) {
      this.onDone();
    }
    return problem;
  }

  remove(): Promise<boolean> {
    return this.act(signal => this.client.remove(this.workspace, [this.runId], signal));
  }

  restore(): Promise<boolean> {
    return this.act(signal => this.client.restore(this.workspace, [this.runId], signal));
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.abort.abort();
      super.dispose();
    }
  }

  private async act(ask: (signal: AbortSignal) => Promise<RunsChanged>): Promise<boolean> {
    if (this.busy || this.isDisposed) {
      return false;
    }
    this.busy = true;
    this.stateChanged.emit();
    try {
      const { problems } = await ask(this.abort.signal);
      this.problem = problems[0] ?? null;
    } catch (error) {
      if (this.abort.signal.aborted) {
        return false;
      }
      this.problem = problemOf(error);
    }
    this.busy = false;
    if (this.isDisposed) {
      return this.problem === null;
    }
    this.stateChanged.emit();
    this.onDone();
    return this.problem === null;
  }
}
