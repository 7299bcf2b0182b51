/** What can be done to runs of a list. Lists show it at once and ask the server again after it. */
import { ApiError } from '../client';
import type { RunClient } from '../runClient';
import type { Problem, RunId, RunSummary, RunsChanged, WorkspaceId } from '../types';
import { STAR } from './runsQuery';
import type { RunsStore } from './runsStore';

/** How many runs the server takes at once. */
const AT_ONCE = 200;

type Send = (runIds: readonly RunId[], signal: AbortSignal) => Promise<RunsChanged>;

export class ListActs {
  private readonly abort = new AbortController();

  constructor(
    private readonly client: RunClient,
    private readonly lists: () => Iterable<RunsStore>
  ) {}

  /** Each act answers what went wrong, or null. */
  star(workspace: WorkspaceId, runIds: readonly RunId[], on: boolean): Promise<Problem | null> {
    this.patch(runIds, run => ({ ...run, starred: on }));
    return this.tagged(workspace, runIds, STAR, on ? 'true' : null);
  }

  /** Set a tag; null takes it away. */
  tag(
    workspace: WorkspaceId,
    runIds: readonly RunId[],
    key: string,
    value: string | null
  ): Promise<Problem | null> {
    this.patch(runIds, run => {
      const others = run.tags.filter(one => one.key !== key);
      return { ...run, tags: value === null ? others : [...others, { key, value }] };
    });
    return this.tagged(workspace, runIds, key, value);
  }

  rename(workspace: WorkspaceId, runId: RunId, name: string): Promise<Problem | null> {
    this.patch([runId], run => ({ ...run, name }));
    return this.send([runId], (_, signal) =>
      this.client.rename({ workspace, runId }, name, signal)
    );
  }

  remove(workspace: WorkspaceId, runIds: readonly RunId[]): Promise<Problem | null> {
    this.patch(runIds, () => null);
    return this.send(runIds, (some, signal) => this.client.remove(workspace, some, signal));
  }

  restore(workspace: WorkspaceId, runIds: readonly RunId[]): Promise<Problem | null> {
    this.patch(runIds, () => null);
    const ask: Send = (some, signal) => this.client.restore(workspace, some, signal);
    return this.send(runIds, ask, true);
  }

  dispose(): void {
    this.abort.abort();
  }

  private tagged(
    workspace: WorkspaceId,
    runIds: readonly RunId[],
    key: string,
    value: string | null
  ): Promise<Problem | null> {
    return this.send(runIds, (some, signal) =>
      this.client.tag(workspace, some, key, value, signal)
    );
  }

  private patch(runIds: readonly RunId[], change: (run: RunSummary) => RunSummary | null): void {
    const meant = new Set(runIds);
    for (const list of this.lists()) {
      list.patch(run => (meant.has(run.run_id) ? change(run) : run));
    }
  }

  private async send(runIds: readonly RunId[], ask: Send, whole = false): Promise<Problem | null> {
    const { signal } = this.abort;
    let problem: Problem | null = null;
    try {
      for (let start = 0; start < runIds.length; start += AT_ONCE) {
        const answer = await ask(runIds.slice(start, start + AT_ONCE), signal);
        problem ??= answer.problems[0] ?? null;
      }
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      problem = error.problem;
    }
    if (!signal.aborted) {
      for (const list of this.lists()) {
        // What came back, or did not go after all, may stand behind the first page.
        void (whole || problem !== null ? list.reload() : list.refresh());
      }
    }
    return problem;
  }
}
