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

/** A list is said once for each of its items. */
export type Query = Record<string, string | number | readonly string[] | null | undefined>;

function makeProblem(code: Problem['code'], message: string, hint = ''): Problem {
  return { code, message, hint, retry_after_ms: null, at: null };
}

function toQuery(query: Query): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (Array.isArray(value)) {
      value.forEach(item => params.append(key, String(item)));
    } else if (value !== null && value !== undefined && value !== '') {
      params.set(key, String(value));
    }
  }
  const text = params.toString();
  return text ? `?${text}` : '';
}

export interface TextFile {
  readonly name: string;
  readonly text: string;
}

/** What of a run's points is asked for; all of it, thinned for a screen, without one. */
export interface SeriesQuery {
  readonly keys?: readonly string[];
  readonly maxPoints?: number;
  /** Only points from `start` to `end`. */
  readonly range?: SeriesRange;
}

/** In steps, or in milliseconds since the epoch. */
export interface SeriesRange {
  readonly x: 'step' | 'time';
  readonly start: number;
  readonly end: number;
}

export interface RunsQuery {
  workspace: WorkspaceId;
  experiment: ExperimentId | null;
  search: string;
  pageToken: string | null;
  limit: number;
  /** A term in MLflow's language: ``metrics.`val loss` DESC``; newest first without one. */
  orderBy?: string | null;
  /** `metrics.loss`, `params.lr`, `tags.team`: rows then hold these and no others. */
  columns?: readonly string[] | null;
  deleted?: boolean;
  /** Only runs that are nested under none. */
  roots?: boolean;
  /** Only runs right below this one. */
  parent?: RunId | null;
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

  /** @param workspace also asks its store for what other machines run there. */
  live(signal: AbortSignal, workspace: WorkspaceId | null = null): Promise<LiveRuns> {
    return this.get('live', { workspace }, decode.liveRuns, signal);
  }

  runs(query: RunsQuery, signal: AbortSignal): Promise<RunPage> {
    const params = {
      workspace: query.workspace,
      experiment: query.experiment,
      search: query.search,
      page_token: query.pageToken,
      limit: query.limit,
      order_by: query.orderBy,
      columns: query.columns,
      deleted: query.deleted ? 'true' : null,
      roots: query.roots ? 'true' : null,
      parent: query.parent
    };
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
    signal: AbortSignal,
    query: SeriesQuery = {}
  ): Promise<Series> {
    const { keys, maxPoints, range } = query;
    const route = `runs/${encodeURIComponent(runId)}/series`;
    const params = { workspace, since, keys, max_points: maxPoints, ...range };
    return this.get(route, params, decode.series, signal);
  }

  sync(workspaceId: WorkspaceId | null, signal: AbortSignal): Promise<SyncReport> {
    return this.post('sync', { workspace_id: workspaceId }, decode.syncReport, signal);
  }

  /** Ask for `route` with what is not empty in `query`. */
  get<T>(route: string, query: Query, decoder: decode.Decoder<T>, signal: AbortSignal): Promise<T> {
    return this.request(`${route}${toQuery(query)}`, { method: 'GET', signal }, decoder);
  }

  /** Have `route` do something. */
  post<T>(
    route: string,
    body: object,
    decoder: decode.Decoder<T>,
    signal: AbortSignal
  ): Promise<T> {
    // Said outright: a request with a text is one of plain text otherwise.
    const headers = { 'Content-Type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify(body), signal };
    return this.request(route, init, decoder);
  }

  /** The address of a route for a link or a frame; the browser's cookie opens it, or the token. */
  address(route: string, query: Query): string {
    const { baseUrl, token, appendToken } = this.serverSettings;
    const whole = appendToken && token !== '' ? { ...query, token } : query;
    return `${URLExt.join(baseUrl, API_PREFIX)}/${route}${toQuery(whole)}`;
  }

  /** The text of a file that `route` gives, and what it is called. */
  async file(route: string, query: Query, signal: AbortSignal): Promise<TextFile> {
    const init = { method: 'GET', signal };
    const { response, text } = await this.answer(`${route}${toQuery(query)}`, init);
    if (!response.ok) {
      read(route, response, text, decode.problem);
    }
    const told = response.headers.get('Content-Disposition') ?? '';
    const coded = /filename\*=UTF-8''([^;]+)/i.exec(told)?.[1] ?? '';
    return { name: decodeURIComponent(coded), text };
  }

  private async request<T>(
    route: string,
    init: RequestInit,
    decoder: decode.Decoder<T>
  ): Promise<T> {
    const { response, text } = await this.answer(route, init);
    return read(route, response, text, decoder);
  }

  private async answer(
    route: string,
    init: RequestInit
  ): Promise<{ response: Response; text: string }> {
    const url = URLExt.join(this.serverSettings.baseUrl, API_PREFIX) + '/' + route;
    try {
      // 'no-cache' rather than 'no-store': for the latter a number is added to the address.
      const response = await ServerConnection.makeRequest(
        url,
        { ...init, cache: 'no-cache' },
        this.serverSettings
      );
      return { response, text: await response.text() };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ApiError('offline', makeProblem('store_unreachable', reason));
    }
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
