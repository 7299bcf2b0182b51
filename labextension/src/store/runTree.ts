/** Child runs below their parents: asked for when a parent is opened, page by page. */
import { ApiError } from '../client';
import type { Problem, RunId, RunPage, RunSummary } from '../types';
import { appendPage } from './pages';

/** One row of the list: a run, or what stands below the children that are there. */
export type ListedRow =
  | { readonly kind: 'run'; readonly run: RunSummary; readonly level: number }
  | {
      readonly kind: 'more';
      readonly parent: RunId;
      readonly level: number;
      readonly loading: boolean;
      readonly problem: Problem | null;
    };

interface Branch {
  rows: RunSummary[];
  nextToken: string | null;
  loading: boolean;
  problem: Problem | null;
}

export type FetchBranch = (
  parent: RunId,
  pageToken: string | null,
  signal: AbortSignal
) => Promise<RunPage | null>;

export class RunTree {
  private readonly branches = new Map<RunId, Branch>();
  private abort = new AbortController();

  constructor(
    private readonly fetch: FetchBranch,
    private readonly onChange: () => void
  ) {}

  isOpen(runId: RunId): boolean {
    return this.branches.has(runId);
  }

  /** Show or hide the children of a run. */
  toggle(runId: RunId): void {
    if (!this.branches.delete(runId)) {
      this.branches.set(runId, { rows: [], nextToken: null, loading: false, problem: null });
      void this.load(runId, null);
    }
    this.onChange();
  }

  loadMore(parent: RunId): void {
    const branch = this.branches.get(parent);
    if (branch !== undefined && !branch.loading) {
      void this.load(parent, branch.nextToken);
    }
  }

  /** Ask for the first children of all open branches again. */
  refresh(): void {
    for (const [runId, branch] of this.branches) {
      if (!branch.loading && branch.nextToken === null) {
        void this.load(runId, null);
      }
    }
  }

  clear(): void {
    this.abort.abort();
    this.abort = new AbortController();
    this.branches.clear();
  }

  dispose(): void {
    this.abort.abort();
  }

  /** Rows with what is open below them, from the top. */
  flat(rows: readonly RunSummary[]): ListedRow[] {
    const listed: ListedRow[] = [];
    const add = (runs: readonly RunSummary[], level: number): void => {
      for (const run of runs) {
        listed.push({ kind: 'run', run, level });
        const branch = this.branches.get(run.run_id);
        if (branch === undefined) {
          continue;
        }
        add(branch.rows, level + 1);
        const { loading, problem, nextToken } = branch;
        if (problem !== null || nextToken !== null || (loading && branch.rows.length === 0)) {
          listed.push({ kind: 'more', parent: run.run_id, level: level + 1, loading, problem });
        }
      }
    };
    add(rows, 1);
    return listed;
  }

  /** Change runs that are here, before the server has said so. */
  patch(change: (run: RunSummary) => RunSummary | null): void {
    for (const branch of this.branches.values()) {
      branch.rows = patched(branch.rows, change);
    }
  }

  private async load(parent: RunId, pageToken: string | null): Promise<void> {
    const branch = this.branches.get(parent);
    if (branch === undefined) {
      return;
    }
    const { signal } = this.abort;
    branch.loading = true;
    try {
      const page = await this.fetch(parent, pageToken, signal);
      if (signal.aborted || page === null) {
        return;
      }
      branch.rows = pageToken === null ? page.runs : appendPage(branch.rows, page);
      branch.nextToken = page.next_page_token;
      branch.problem = page.problem;
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      if (!(error instanceof ApiError)) {
        throw error;
      }
      branch.problem = error.problem;
    }
    branch.loading = false;
    this.onChange();
  }
}

/** Each run changed; null takes it out. */
export function patched(
  rows: readonly RunSummary[],
  change: (run: RunSummary) => RunSummary | null
): RunSummary[] {
  return rows.flatMap(run => change(run) ?? []);
}
