/**
 * From `unknown` to wire types. An answer is copied field by field, so that what the rest of the
 * page sees has the promised shape whatever came over the line. Unknown fields are dropped.
 */
import {
  branded,
  empty,
  emptyMap,
  fail,
  flag,
  indexMap,
  list,
  no,
  nullable,
  number,
  oneOf,
  optional,
  struct,
  text,
  zero
} from './decoders';
import { dataInfo } from './dataDecode';
import type { Decoder } from './decoders';
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
  Progress,
  RunAlert,
  RunDetail,
  RunId,
  RunPage,
  RunSummary,
  Series,
  Status,
  SyncReport,
  Uploads,
  WorkspaceId,
  WorkspaceInfo,
  WorkspaceList
} from './types';

export { DecodeError } from './decoders';
export type { Decoder } from './decoders';

export const runId = branded<RunId>();
export const workspaceId = branded<WorkspaceId>();
const experimentId = branded<ExperimentId>();

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
  retry_after_ms: nullable(number),
  at: nullable(number)
});

const health: Decoder<Health> = struct<Health>({
  state: oneOf('ready', 'connecting', 'signed_out', 'denied', 'unreachable', 'broken'),
  since_ms: number,
  message: optional(text, empty),
  hint: optional(text, empty),
  waiting_points: optional(number, zero),
  waiting_since_ms: nullable(number),
  waiting_files: optional(number, zero),
  waiting_bytes: optional(number, zero),
  sent_files: optional(number, zero)
});

export const workspaceInfo: Decoder<WorkspaceInfo> = struct<WorkspaceInfo>({
  id: workspaceId,
  kind: oneOf('local', 'mlflow', 'azureml'),
  name: text,
  uri: text,
  health,
  experiment: nullable(text),
  current: optional(flag, no),
  account: nullable(text)
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

export const metricValue: Decoder<MetricValue> = struct<MetricValue>({
  key: text,
  value: nullable(number),
  text,
  step: number,
  timestamp_ms: number
});

export const pair: Decoder<Pair> = struct<Pair>({ key: text, value: text });

const pairs = optional(list(pair), () => []);
const first = (): number => 1;

export const runSummary: Decoder<RunSummary> = struct<RunSummary>({
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
  hidden_metrics: optional(number, zero),
  params: pairs,
  tags: pairs,
  user: optional(text, empty),
  starred: optional(flag, no),
  deleted: optional(flag, no),
  children: optional(number, zero),
  attempt: optional(number, first)
});

export const runPage: Decoder<RunPage> = struct<RunPage>({
  runs: list(runSummary),
  next_page_token: nullable(text),
  total: nullable(number),
  problem: nullable(problem)
});

export const runDetail: Decoder<RunDetail> = struct<RunDetail>({
  summary: runSummary,
  params: list(pair),
  tags: list(pair),
  artifact_uri: nullable(text),
  link: nullable(text),
  merged: optional(flag, no),
  models: optional(list(text), () => []),
  data: optional(list(dataInfo), () => [])
});

const progress: Decoder<Progress> = struct<Progress>({
  done: number,
  total: nullable(number),
  unit: optional(text, empty),
  label: optional(text, empty)
});

const runAlert: Decoder<RunAlert> = struct<RunAlert>({ rule: text, message: text, at_ms: number });

const uploads: Decoder<Uploads> = struct<Uploads>({
  files: number,
  sent_files: number,
  size_bytes: number,
  sent_bytes: number
});

const liveRun: Decoder<LiveRun> = struct<LiveRun>({
  summary: runSummary,
  sparkline: list(nullable(number)),
  sparkline_key: nullable(text),
  cursor: number,
  progress: nullable(progress),
  output: optional(list(text), () => []),
  alerts: optional(list(runAlert), () => []),
  kernel_id: optional(text, empty),
  cell_id: optional(text, empty),
  notebook_path: optional(text, empty),
  elsewhere: optional(flag, no),
  job: optional(flag, no),
  uploads: nullable(uploads)
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
