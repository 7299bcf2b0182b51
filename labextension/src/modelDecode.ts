/** From `unknown` to the wire types of models, deployments and what watches them. */
import { metricValue, pair, problem, runId, workspaceId } from './decode';
import { empty, fail, flag, list, no, nullable, number, oneOf, optional } from './decoders';
import { struct, text, zero } from './decoders';
import type { Decoder } from './decoders';
import { modelFields } from './dataDecode';
import type {
  ArtifactInfo,
  ArtifactList,
  DeployPlan,
  DeploymentInfo,
  DriftFeature,
  DriftReport,
  EndpointInfo,
  EndpointList,
  EndpointStats,
  JobInfo,
  JobStep,
  LogLines,
  ModelInfo,
  ModelPage,
  ModelSignature,
  ModelVersionDetail,
  ModelVersionInfo,
  MonitorReport,
  Prediction,
  PredictionMix,
  Removed,
  SchemaChange,
  TargetInfo,
  TargetList,
  VersionShare
} from './types';

const one = (): number => 1;
const minute = (): number => 60;
const emptyObject = (): string => '{}';
const texts = optional(list(text), () => []);
const pairs = optional(list(pair), () => []);
const numbers = optional(list(number), () => []);
const gappedNumbers = optional(list(nullable(number)), () => []);

export const modelVersion: Decoder<ModelVersionInfo> = struct<ModelVersionInfo>({
  name: text,
  version: text,
  created_ms: number,
  updated_ms: number,
  status: optional(text, () => 'READY'),
  aliases: texts,
  stage: nullable(text),
  run_id: nullable(runId),
  run_name: nullable(text),
  source: optional(text, empty),
  description: optional(text, empty),
  tags: pairs,
  metrics: optional(list(metricValue), () => [])
});

export const modelInfo: Decoder<ModelInfo> = struct<ModelInfo>({
  name: text,
  workspace_id: workspaceId,
  created_ms: number,
  updated_ms: number,
  description: optional(text, empty),
  tags: pairs,
  aliases: pairs,
  versions: optional(list(modelVersion), () => []),
  version_count: nullable(number)
});

export const modelPage: Decoder<ModelPage> = struct<ModelPage>({
  models: list(modelInfo),
  next_page_token: nullable(text),
  total: nullable(number)
});

const artifact: Decoder<ArtifactInfo> = struct<ArtifactInfo>({
  path: text,
  is_dir: flag,
  size_bytes: nullable(number)
});

export const artifactList: Decoder<ArtifactList> = struct<ArtifactList>({
  artifacts: list(artifact),
  truncated: optional(flag, no)
});

const signature: Decoder<ModelSignature> = struct<ModelSignature>({
  inputs: modelFields,
  outputs: modelFields,
  params: modelFields
});

export const modelVersionDetail: Decoder<ModelVersionDetail> = struct<ModelVersionDetail>({
  version: modelVersion,
  files: optional(list(artifact), () => []),
  mlmodel: optional(text, empty),
  flavors: texts,
  signature: nullable(signature),
  input_example: nullable(text),
  requirements: texts,
  size_bytes: nullable(number),
  problem: nullable(problem)
});

export const removed: Decoder<Removed> = struct<Removed>({ what: text, done: flag });

const target: Decoder<TargetInfo> = struct<TargetInfo>({
  name: text,
  title: text,
  help: text,
  available: flag,
  why_not: optional(text, empty),
  form: optional(text, emptyObject)
});

export const targetList: Decoder<TargetList> = struct<TargetList>({ targets: list(target) });

export const deployPlan: Decoder<DeployPlan> = struct<DeployPlan>({
  model: text,
  version: nullable(text),
  uri: text,
  label: text,
  name: text,
  digest: text,
  needs_consent: flag,
  reason: text,
  run_id: nullable(runId),
  run_name: nullable(text),
  made_by: optional(text, empty),
  made_ms: nullable(number),
  flavors: texts,
  code_files: texts,
  requirements: texts,
  unmet: texts,
  size_bytes: optional(number, zero),
  existing: optional(text, empty),
  hints: texts,
  costs: optional(flag, no)
});

const noStats = (): EndpointStats => ({
  window_s: 60,
  requests: 0,
  errors: 0,
  requests_per_s: 0,
  p50_ms: null,
  p95_ms: null
});

const stats = optional(
  struct<EndpointStats>({
    window_s: optional(number, minute),
    requests: optional(number, zero),
    errors: optional(number, zero),
    requests_per_s: optional(number, zero),
    p50_ms: nullable(number),
    p95_ms: nullable(number)
  }),
  noStats
);

const deploymentState = oneOf('deploying', 'ready', 'unhealthy', 'failed', 'stopped');

const deployment: Decoder<DeploymentInfo> = struct<DeploymentInfo>({
  label: text,
  model: text,
  version: nullable(text),
  uri: text,
  state: deploymentState,
  run_id: nullable(runId),
  traffic_percent: optional(number, zero),
  shadow: optional(flag, no),
  replicas: optional(number, one),
  replicas_ready: optional(number, zero),
  restarts: optional(number, zero),
  memory_bytes: nullable(number),
  deployed_ms: optional(number, zero),
  by: optional(text, empty),
  digest: optional(text, empty),
  detail: optional(text, empty),
  problem: nullable(problem),
  log_tail: texts,
  stats
});

export const endpointInfo: Decoder<EndpointInfo> = struct<EndpointInfo>({
  name: text,
  target: text,
  workspace_id: workspaceId,
  workspace_name: text,
  state: deploymentState,
  created_ms: number,
  updated_ms: number,
  address: optional(text, empty),
  token_file: optional(text, empty),
  deployments: optional(list(deployment), () => []),
  stats,
  asleep: optional(flag, no),
  job_id: nullable(text),
  detail: optional(text, empty),
  options: optional(text, emptyObject),
  snippets: pairs,
  resource: optional(text, empty),
  link: optional(text, empty),
  costs: optional(text, empty)
});

const jobStep: Decoder<JobStep> = struct<JobStep>({
  name: text,
  title: text,
  state: oneOf('waiting', 'running', 'done', 'failed'),
  seconds: nullable(number),
  detail: optional(text, empty)
});

export const jobInfo: Decoder<JobInfo> = struct<JobInfo>({
  id: text,
  kind: oneOf('deploy'),
  subject: text,
  title: text,
  state: oneOf('running', 'done', 'failed'),
  started_ms: number,
  steps: optional(list(jobStep), () => []),
  log_tail: texts,
  problem: nullable(problem),
  ended_ms: nullable(number),
  endpoint: nullable(endpointInfo)
});

export const endpointList: Decoder<EndpointList> = struct<EndpointList>({
  endpoints: list(endpointInfo),
  jobs: optional(list(jobInfo), () => [])
});

export const logLines: Decoder<LogLines> = struct<LogLines>({ subject: text, lines: list(text) });

export const prediction: Decoder<Prediction> = struct<Prediction>({
  endpoint: text,
  status: number,
  latency_ms: number,
  version: optional(text, empty),
  request_id: optional(text, empty),
  columns: texts,
  rows: optional(list(list(text)), () => []),
  row_count: optional(number, zero),
  body: optional(text, empty),
  problem: nullable(problem)
});

const mix: Decoder<PredictionMix> = struct<PredictionMix>({
  name: text,
  kind: oneOf('category', 'number'),
  labels: list(text),
  shares: list(list(number))
});

const versionShare: Decoder<VersionShare> = struct<VersionShare>({
  version: text,
  requests: number,
  errors: number,
  p50_ms: nullable(number),
  p95_ms: nullable(number),
  shadow: optional(flag, no)
});

const monitorFields: Decoder<MonitorReport> = struct<MonitorReport>({
  endpoint: text,
  since_ms: number,
  until_ms: number,
  bucket_ms: number,
  requests: number,
  errors: number,
  p50_ms: nullable(number),
  p95_ms: nullable(number),
  times_ms: numbers,
  counts: numbers,
  error_counts: numbers,
  p50s_ms: gappedNumbers,
  p95s_ms: gappedNumbers,
  mixes: optional(list(mix), () => []),
  versions: optional(list(versionShare), () => []),
  detail: optional(text, empty)
});

const driftFeature: Decoder<DriftFeature> = struct<DriftFeature>({
  name: text,
  kind: oneOf('number', 'category', 'datetime', 'text'),
  test: text,
  verdict: oneOf('ok', 'drift', 'not_tested'),
  statistic: nullable(number),
  p_value: nullable(number),
  p_adjusted: nullable(number),
  effect: nullable(number),
  effect_name: optional(text, empty),
  missing_reference: optional(number, zero),
  missing_data: optional(number, zero),
  missing_p_adjusted: nullable(number),
  psi: nullable(number),
  labels: texts,
  shares_reference: numbers,
  shares_data: numbers,
  new_categories: texts,
  missing_categories: texts,
  detail: optional(text, empty)
});

const schemaChange: Decoder<SchemaChange> = struct<SchemaChange>({
  column: text,
  change: oneOf('missing', 'new', 'type'),
  detail: optional(text, empty)
});

export const driftReport: Decoder<DriftReport> = struct<DriftReport>({
  model: text,
  version: nullable(text),
  reference: text,
  data: text,
  rows_reference: number,
  rows_data: number,
  alpha: number,
  effect_threshold: number,
  correction: text,
  verdict: oneOf('no_drift', 'drift', 'too_little_data'),
  drifted: number,
  features: optional(list(driftFeature), () => []),
  predictions: optional(list(driftFeature), () => []),
  schema_changes: optional(list(schemaChange), () => []),
  quality: optional(list(metricValue), () => []),
  run_id: nullable(runId),
  report_path: optional(text, empty),
  detail: optional(text, empty)
});

export const monitorReport: Decoder<MonitorReport> = (value, path) => {
  const report = monitorFields(value, path);
  const n = report.times_ms.length;
  const lists = [report.counts, report.error_counts, report.p50s_ms, report.p95s_ms];
  if (lists.some(values => values.length !== n)) {
    fail(path, 'a report of equally long lists');
  }
  return report;
};
