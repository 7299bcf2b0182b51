/**
 * From `unknown` to wire types. An answer is copied field by field, so that what the rest of the
 * page sees has the promised shape whatever came over the line. Unknown fields are dropped.
 */
import type {
  Column,
  ExperimentId,
  ExperimentInfo,
  ExperimentList,
  Health,
  LiveRun,
  LiveRuns,
  MetricValue,
  Nudge,
  Pair,
  Problem,
  RunDetail,
  RunId,
  RunPage,
  RunSummary,
  Series,
  Status,
  SyncReport,
  WorkspaceId,
  WorkspaceInfo,
  WorkspaceList
} from './types';

/** An answer does not have the promised shape. */
export class DecodeError extends Error {}

export type Decoder<T> = (value: unknown, path: string) => T;
type Fields<T> = { [K in keyof T]-?: Decoder<T[K]> };

function fail(path: string, wanted: string): never {
  throw new DecodeError(`${path} is not ${wanted}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const text: Decoder<string> = (value, path) =>
  typeof value === 'string' ? value : fail(path, 'a text');

const flag: Decoder<boolean> = (value, path) =>
  typeof value === 'boolean' ? value : fail(path, 'true or false');

const number: Decoder<number> = (value, path) =>
  typeof value === 'number' && Number.isFinite(value) ? value : fail(path, 'a number');

function nullable<T>(decoder: Decoder<T>): Decoder<T | null> {
  return (value, path) => (value === null || value === undefined ? null : decoder(value, path));
}

function optional<T>(decoder: Decoder<T>, absent: () => T): Decoder<T> {
  return (value, path) => (value === undefined ? absent() : decoder(value, path));
}

function list<T>(decoder: Decoder<T>): Decoder<T[]> {
  return (value, path) =>
    Array.isArray(value)
      ? value.map((item: unknown, index) => decoder(item, `${path}[${index}]`))
      : fail(path, 'a list');
}

function oneOf<const T extends string>(...choices: T[]): Decoder<T> {
  return (value, path) =>
    choices.find(choice => choice === value) ?? fail(path, `one of ${choices.join(', ')}`);
}

/** An object of index -> text becomes a map: no prototype can stand in for an entry. */
const indexMap: Decoder<Map<number, string>> = (value, path) => {
  if (!isRecord(value)) {
    return fail(path, 'an object');
  }
  return new Map(
    Object.entries(value).map(([key, item]) => [Number(key), text(item, `${path}.${key}`)])
  );
};

function struct<T extends object>(fields: Fields<T>): Decoder<T> {
  return (value, path) => {
    if (!isRecord(value)) {
      return fail(path, 'an object');
    }
    const result: Partial<T> = {};
    for (const key in fields) {
      const own = Object.hasOwn(value, key) ? value[key] : undefined;
      result[key] = fields[key](own, path ? `${path}.${key}` : key);
    }
    assertWhole(result, fields);
    return result;
  };
}

function assertWhole<T extends object>(result: Partial<T>, fields: Fields<T>): asserts result is T {
  for (const key in fields) {
    if (!(key in result)) {
      fail(key, 'there');
    }
  }
}

type Id = RunId | WorkspaceId | ExperimentId;

/** A text of the server becomes an id of its kind here and nowhere else. */
function branded<T extends Id>(): Decoder<T> {
  const isId = (value: unknown): value is T => typeof value === 'string' && value !== '';
  return (value, path) => (isId(value) ? value : fail(path, 'an id'));
}

const runId = branded<RunId>();
const workspaceId = branded<WorkspaceId>();
const experimentId = branded<ExperimentId>();

const empty = (): string => '';
const zero = (): number => 0;
const no = (): boolean => false;
const emptyMap = (): Map<number, string> => new Map();
const runStatus = oneOf('RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED');

const problemCode = oneOf(
  'bad_request',
  'unauthorized',
  'forbidden',
  'not_found',
  'method_not_allowed',
  'ambiguous',
  'conflict',
  'too_large',
  'unsupported_media_type',
  'too_many_requests',
  'signed_out',
  'store_unreachable',
  'store_timeout',
  'store_error',
  'internal'
);

export const problem: Decoder<Problem> = struct<Problem>({
  code: problemCode,
  message: text,
  hint: optional(text, empty),
  retry_after_ms: nullable(number)
});

const health: Decoder<Health> = struct<Health>({
  state: oneOf('ready', 'connecting', 'signed_out', 'denied', 'unreachable', 'broken'),
  since_ms: number,
  message: optional(text, empty),
  hint: optional(text, empty),
  waiting_points: optional(number, zero),
  waiting_since_ms: nullable(number)
});

const workspaceInfo: Decoder<WorkspaceInfo> = struct<WorkspaceInfo>({
  id: workspaceId,
  kind: oneOf('local', 'mlflow'),
  name: text,
  uri: text,
  health,
  experiment: nullable(text),
  current: optional(flag, no)
});

export const workspaceList: Decoder<WorkspaceList> = struct<WorkspaceList>({
  workspaces: list(workspaceInfo)
});

const experimentInfo: Decoder<ExperimentInfo> = struct<ExperimentInfo>({
  id: experimentId,
  name: text,
  run_count: nullable(number)
});

export const experimentList: Decoder<ExperimentList> = struct<ExperimentList>({
  experiments: list(experimentInfo)
});

const metricValue: Decoder<MetricValue> = struct<MetricValue>({
  key: text,
  value: nullable(number),
  text,
  step: number,
  timestamp_ms: number
});

const runSummary: Decoder<RunSummary> = struct<RunSummary>({
  run_id: runId,
  workspace_id: workspaceId,
  experiment_id: nullable(experimentId),
  experiment: nullable(text),
  name: text,
  status: runStatus,
  start_ms: number,
  end_ms: nullable(number),
  metrics: list(metricValue),
  parent_run_id: nullable(runId),
  notebook: nullable(text),
  error: nullable(text),
  waiting_points: optional(number, zero),
  live: optional(flag, no),
  hidden_metrics: optional(number, zero)
});

export const runPage: Decoder<RunPage> = struct<RunPage>({
  runs: list(runSummary),
  next_page_token: nullable(text),
  total: nullable(number),
  problem: nullable(problem)
});

const pair: Decoder<Pair> = struct<Pair>({ key: text, value: text });

export const runDetail: Decoder<RunDetail> = struct<RunDetail>({
  summary: runSummary,
  params: list(pair),
  tags: list(pair),
  artifact_uri: nullable(text),
  link: nullable(text),
  merged: optional(flag, no)
});

const liveRun: Decoder<LiveRun> = struct<LiveRun>({
  summary: runSummary,
  sparkline: list(nullable(number)),
  sparkline_key: nullable(text),
  cursor: number
});

export const liveRuns: Decoder<LiveRuns> = struct<LiveRuns>({
  runs: list(liveRun),
  now_ms: number
});

const columnFields: Decoder<Column> = struct<Column>({
  key: text,
  steps: list(number),
  timestamps_ms: list(number),
  values: list(nullable(number)),
  nonfinite: optional(indexMap, emptyMap),
  exact: optional(indexMap, emptyMap),
  total: optional(number, zero)
});

const column: Decoder<Column> = (value, path) => {
  const decoded = columnFields(value, path);
  const n = decoded.values.length;
  if (decoded.steps.length !== n || decoded.timestamps_ms.length !== n) {
    fail(path, 'a column of equally long lists');
  }
  return decoded;
};

export const series: Decoder<Series> = struct<Series>({
  run_id: runId,
  status: runStatus,
  columns: list(column),
  cursor: number,
  reset: optional(flag, no),
  hidden_columns: optional(number, zero),
  note: optional(text, empty)
});

export const status: Decoder<Status> = struct<Status>({
  wire_version: number,
  version: text,
  now_ms: number
});

export const syncReport: Decoder<SyncReport> = struct<SyncReport>({
  shipped_points: number,
  waiting_points: number,
  problems: optional(list(problem), () => [])
});

export const nudge: Decoder<Nudge> = struct<Nudge>({
  kind: oneOf('points', 'runs', 'health'),
  workspace_id: workspaceId,
  run_ids: optional(list(runId), () => []),
  cursors: optional(list(number), () => [])
});
