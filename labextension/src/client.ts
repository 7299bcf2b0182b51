/**
 * The only place that talks to the server extension. Every answer is decoded, every failure is
 * an `ApiError` whose `kind` says what the page can do about it.
 */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import * as decode from './decode';
import { API_PREFIX } from './types';
import type {
  ExperimentId,
  ExperimentList,
  LiveRuns,
  Problem,
  RunDetail,
  RunId,
  RunPage,
  Series,
  Status,
  SyncReport,
  WorkspaceId,
  WorkspaceList
} from './types';

/**
 * - `problem`: the server said what is wrong;
 * - `missing`: the server extension is not there;
 * - `offline`: the Jupyter server gave no answer;
 * - `garbled`: the answer is not of the agreed shape.
 */
export type ApiErrorKind = 'problem' | 'missing' | 'offline' | 'garbled';

/** A request failed. `problem` is always there and can be shown as it is. */
export class ApiError extends Error {
  constructor(
    readonly kind: ApiErrorKind,
    readonly problem: Problem
  ) {
    super(problem.message);
  }
}

type Query = Record<string, string | number | null | undefined>;

function makeProblem(code: Problem['code'], message: string, hint = ''): Problem {
  return { code, message, hint, retry_after_ms: null };
}

function toQuery(query: Query): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') {
      params.set(key, String(value));
    }
  }
  const text = params.toString();
  return text ? `?${text}` : '';
}

export interface RunsQuery {
  workspace: WorkspaceId;
  experiment: ExperimentId | null;
  search: string;
  pageToken: string | null;
  limit: number;
}

/** Requests to the server extension; `signal` cancels. */
export class Client {
  /**
   * @param serverSettings the application's own settings; never made anew here.
   */
  constructor(private readonly serverSettings: ServerConnection.ISettings) {}

  status(signal: AbortSignal): Promise<Status> {
    return this.get('status', {}, decode.status, signal);
  }

  workspaces(path: string | null, signal: AbortSignal): Promise<WorkspaceList> {
    return this.get('workspaces', { path }, decode.workspaceList, signal);
  }

  experiments(workspace: WorkspaceId, signal: AbortSignal): Promise<ExperimentList> {
    return this.get('experiments', { workspace }, decode.experimentList, signal);
  }

  live(signal: AbortSignal): Promise<LiveRuns> {
    return this.get('live', {}, decode.liveRuns, signal);
  }

  runs(query: RunsQuery, signal: AbortSignal): Promise<RunPage> {
    const { workspace, experiment, search, pageToken, limit } = query;
    const params = { workspace, experiment, search, page_token: pageToken, limit };
    return this.get('runs', params, decode.runPage, signal);
  }

  run(workspace: WorkspaceId, runId: RunId, signal: AbortSignal): Promise<RunDetail> {
    const route = `runs/${encodeURIComponent(runId)}`;
    return this.get(route, { workspace }, decode.runDetail, signal);
  }

  series(
    workspace: WorkspaceId,
    runId: RunId,
    since: number,
    signal: AbortSignal
  ): Promise<Series> {
    const route = `runs/${encodeURIComponent(runId)}/series`;
    return this.get(route, { workspace, since }, decode.series, signal);
  }

  sync(workspaceId: WorkspaceId | null, signal: AbortSignal): Promise<SyncReport> {
    const init = { method: 'POST', body: JSON.stringify({ workspace_id: workspaceId }), signal };
    return this.request('sync', init, decode.syncReport);
  }

  private get<T>(
    route: string,
    query: Query,
    decoder: decode.Decoder<T>,
    signal: AbortSignal
  ): Promise<T> {
    return this.request(`${route}${toQuery(query)}`, { method: 'GET', signal }, decoder);
  }

  private async request<T>(
    route: string,
    init: RequestInit,
    decoder: decode.Decoder<T>
  ): Promise<T> {
    const url = URLExt.join(this.serverSettings.baseUrl, API_PREFIX) + '/' + route;
    let response: Response;
    let text: string;
    try {
      // 'no-cache' rather than 'no-store': for the latter a number is added to the address.
      response = await ServerConnection.makeRequest(
        url,
        { ...init, cache: 'no-cache' },
        this.serverSettings
      );
      text = await response.text();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ApiError('offline', makeProblem('store_unreachable', reason));
    }
    return read(route, response, text, decoder);
  }
}

function read<T>(route: string, response: Response, text: string, decoder: decode.Decoder<T>): T {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    if (response.status === 404) {
      throw new ApiError('missing', makeProblem('not_found', 'not found'));
    }
    const message = `The server answered ${response.status} with something that is not JSON`;
    throw new ApiError('garbled', makeProblem('internal', message));
  }
  if (!response.ok) {
    throw toProblem(response, body);
  }
  try {
    return decoder(body, '');
  } catch (error) {
    if (error instanceof decode.DecodeError) {
      const message = `${route.split('?')[0]}: ${error.message}`;
      throw new ApiError('garbled', makeProblem('internal', message));
    }
    throw error;
  }
}

function toProblem(response: Response, body: unknown): ApiError {
  try {
    return new ApiError('problem', decode.problem(body, ''));
  } catch {
    // A 404 that is no Problem comes from Jupyter itself: the extension is not there.
    const kind = response.status === 404 ? 'missing' : 'problem';
    const code = response.status === 403 ? 'forbidden' : 'internal';
    return new ApiError(kind, makeProblem(code, `The server answered ${response.status}`));
  }
}
