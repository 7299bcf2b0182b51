/** Requests about many runs and about what one run keeps, over the client of everything else. */
import type { Client, TextFile } from './client';
import { workspaceInfo } from './decode';
import { artifactList, removed } from './modelDecode';
import * as decode from './runDecode';
import type {
  ArtifactList,
  ArtifactPreview,
  ExperimentId,
  MetricTable,
  Removed,
  RunAbout,
  RunColumns,
  RunDetails,
  RunDiff,
  RunId,
  RunOutput,
  RunStopped,
  RunView,
  RunsChanged,
  WorkspaceId,
  WorkspaceInfo
} from './types';

export interface ColumnsQuery {
  readonly workspace: WorkspaceId;
  readonly experiment: ExperimentId | null;
  readonly search: string;
  readonly deleted: boolean;
}

export interface RunWords {
  readonly workspace: WorkspaceId;
  readonly runId: RunId;
}

function routeOf(runId: RunId, rest: string): string {
  return `runs/${encodeURIComponent(runId)}/${rest}`;
}

export type ExportForm = 'script' | 'notebook' | 'html';

export class RunClient {
  constructor(private readonly client: Client) {}

  columns(query: ColumnsQuery, signal: AbortSignal): Promise<RunColumns> {
    const { workspace, experiment, search, deleted } = query;
    const params = { workspace, experiment, search, deleted: deleted ? 'true' : null };
    return this.client.get('runs/columns', params, decode.runColumns, signal);
  }

  details(
    workspace: WorkspaceId,
    runIds: readonly RunId[],
    signal: AbortSignal
  ): Promise<RunDetails> {
    const query = { workspace, run_ids: runIds };
    return this.client.get('runs/details', query, decode.runDetails, signal);
  }

  diff(workspace: WorkspaceId, left: RunId, right: RunId, signal: AbortSignal): Promise<RunDiff> {
    return this.client.get('runs/diff', { workspace, left, right }, decode.runDiff, signal);
  }

  metrics(
    run: RunWords,
    search: string,
    offset: number,
    limit: number,
    signal: AbortSignal
  ): Promise<MetricTable> {
    const query = { workspace: run.workspace, search, offset, limit };
    return this.client.get(routeOf(run.runId, 'metrics'), query, decode.metricTable, signal);
  }

  about(run: RunWords, signal: AbortSignal): Promise<RunAbout> {
    const query = { workspace: run.workspace };
    return this.client.get(routeOf(run.runId, 'about'), query, decode.runAbout, signal);
  }

  output(run: RunWords, since: number, lines: number, signal: AbortSignal): Promise<RunOutput> {
    const query = { workspace: run.workspace, since, lines };
    return this.client.get(routeOf(run.runId, 'output'), query, decode.runOutput, signal);
  }

  /** The run as it stays in the output of its cell. */
  view(run: RunWords, signal: AbortSignal): Promise<RunView> {
    const query = { workspace: run.workspace };
    return this.client.get(routeOf(run.runId, 'output/view'), query, decode.runView, signal);
  }

  artifacts(run: RunWords, path: string, signal: AbortSignal): Promise<ArtifactList> {
    const query = { workspace: run.workspace, path };
    return this.client.get(routeOf(run.runId, 'artifacts'), query, artifactList, signal);
  }

  preview(run: RunWords, path: string, signal: AbortSignal): Promise<ArtifactPreview> {
    const query = { workspace: run.workspace, path };
    const route = routeOf(run.runId, 'artifacts/preview');
    return this.client.get(route, query, decode.artifactPreview, signal);
  }

  /** Where a browser gets an artifact as a file. */
  fileAddress(run: RunWords, path: string): string {
    const query = { workspace: run.workspace, path };
    return this.client.address(routeOf(run.runId, 'artifacts/file'), query);
  }

  /** The run as a file: `script`, `notebook` or `html`. */
  exported(run: RunWords, to: ExportForm, signal: AbortSignal): Promise<TextFile> {
    const query = { workspace: run.workspace, to };
    return this.client.file(routeOf(run.runId, 'export'), query, signal);
  }

  /** Where a frame gets an HTML page: its headers let nothing run and nothing be fetched. */
  viewAddress(run: RunWords, path: string): string {
    const query = { workspace: run.workspace, path };
    return this.client.address(routeOf(run.runId, 'artifacts/view'), query);
  }

  /** @param spec an http(s) address, or a folder as the file browser names it. */
  addWorkspace(
    spec: string,
    name: string,
    path: string | null,
    signal: AbortSignal
  ): Promise<WorkspaceInfo> {
    return this.client.post('workspaces/add', { spec, name, path }, workspaceInfo, signal);
  }

  /** Take a workspace off the list; nothing in it is deleted. */
  forgetWorkspace(workspace: WorkspaceId, signal: AbortSignal): Promise<Removed> {
    return this.client.post('workspaces/forget', { workspace_id: workspace }, removed, signal);
  }

  /** Set a tag; null takes it away. */
  tag(
    workspace: WorkspaceId,
    runIds: readonly RunId[],
    key: string,
    value: string | null,
    signal: AbortSignal
  ): Promise<RunsChanged> {
    const body = { workspace_id: workspace, run_ids: runIds, key, value };
    return this.client.post('runs/tag', body, decode.runsChanged, signal);
  }

  rename(run: RunWords, name: string, signal: AbortSignal): Promise<RunsChanged> {
    const body = { workspace_id: run.workspace, run_id: run.runId, name };
    return this.client.post('runs/rename', body, decode.runsChanged, signal);
  }

  remove(
    workspace: WorkspaceId,
    runIds: readonly RunId[],
    signal: AbortSignal
  ): Promise<RunsChanged> {
    const body = { workspace_id: workspace, run_ids: runIds };
    return this.client.post('runs/delete', body, decode.runsChanged, signal);
  }

  /** Ask for the end of the job that works on a run. */
  stop(workspace: WorkspaceId, runId: RunId, signal: AbortSignal): Promise<RunStopped> {
    const body = { workspace_id: workspace, run_id: runId };
    return this.client.post('runs/stop', body, decode.runStopped, signal);
  }

  restore(
    workspace: WorkspaceId,
    runIds: readonly RunId[],
    signal: AbortSignal
  ): Promise<RunsChanged> {
    const body = { workspace_id: workspace, run_ids: runIds };
    return this.client.post('runs/restore', body, decode.runsChanged, signal);
  }
}
