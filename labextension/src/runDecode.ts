/** From `unknown` to the wire types of pages about many runs and about one run. */
import { pair, problem, runDetail, runId, runSummary } from './decode';
import { empty, flag, list, no, nullable, number, oneOf, optional, struct } from './decoders';
import { text, zero } from './decoders';
import type { Decoder } from './decoders';
import { dataInfo } from './dataDecode';
import { modelVersion } from './modelDecode';
import type {
  ArtifactPreview,
  ColumnInfo,
  DiffLine,
  DiffRow,
  MetricStat,
  MetricTable,
  NotebookCell,
  OutputLine,
  RunAbout,
  RunColumns,
  RunDetails,
  RunDiff,
  RunOutput,
  RunStopped,
  RunView,
  RunsChanged
} from './types';

const texts = optional(list(text), () => []);
const pairs = optional(list(pair), () => []);
const problems = optional(list(problem), () => []);
const summaries = optional(list(runSummary), () => []);

const notebookCell: Decoder<NotebookCell> = struct<NotebookCell>({
  kind: oneOf('code', 'markdown', 'raw'),
  source: text,
  outputs: texts,
  images: texts
});

export const artifactPreview: Decoder<ArtifactPreview> = struct<ArtifactPreview>({
  path: text,
  kind: oneOf(
    'text',
    'code',
    'json',
    'markdown',
    'table',
    'image',
    'notebook',
    'html',
    'svg',
    'binary'
  ),
  size_bytes: nullable(number),
  language: optional(text, empty),
  text: optional(text, empty),
  columns: texts,
  rows: optional(list(list(text)), () => []),
  row_count: nullable(number),
  data_url: optional(text, empty),
  cells: optional(list(notebookCell), () => []),
  truncated: optional(flag, no)
});

const columnInfo: Decoder<ColumnInfo> = struct<ColumnInfo>({
  kind: oneOf('metrics', 'params', 'tags'),
  key: text,
  runs: number,
  differs: flag,
  values: texts
});

export const runColumns: Decoder<RunColumns> = struct<RunColumns>({
  columns: list(columnInfo),
  runs: number,
  truncated: optional(flag, no)
});

export const runStopped: Decoder<RunStopped> = struct<RunStopped>({
  run_id: runId,
  name: text,
  done: optional(flag, () => true)
});

export const runsChanged: Decoder<RunsChanged> = struct<RunsChanged>({
  run_ids: list(runId),
  problems
});

const metricStat: Decoder<MetricStat> = struct<MetricStat>({
  key: text,
  last: nullable(number),
  text,
  minimum: nullable(number),
  maximum: nullable(number),
  mean: nullable(number),
  minimum_step: nullable(number),
  maximum_step: nullable(number),
  count: number,
  step: number,
  timestamp_ms: number
});

export const metricTable: Decoder<MetricTable> = struct<MetricTable>({
  metrics: list(metricStat),
  total: number
});

const outputLine: Decoder<OutputLine> = struct<OutputLine>({
  stream: oneOf('stdout', 'stderr'),
  text,
  t_ms: number
});

export const runView: Decoder<RunView> = struct<RunView>({ html: text, plain: text });

export const runOutput: Decoder<RunOutput> = struct<RunOutput>({
  lines: list(outputLine),
  cursor: number,
  dropped: optional(number, zero),
  path: optional(text, empty)
});

export const runAbout: Decoder<RunAbout> = struct<RunAbout>({
  run_id: runId,
  source: optional(text, empty),
  notebook_path: optional(text, empty),
  cell_id: optional(text, empty),
  python: optional(text, empty),
  platform: optional(text, empty),
  packages: pairs,
  hardware: pairs,
  git_commit: optional(text, empty),
  git_branch: optional(text, empty),
  git_remote: optional(text, empty),
  git_dirty: optional(flag, no),
  git_diff: optional(text, empty),
  data: optional(list(dataInfo), () => []),
  versions: optional(list(modelVersion), () => []),
  parent: nullable(runSummary),
  children: summaries,
  attempts: summaries,
  left_out: optional(list(text), () => []),
  problems
});

export const runDetails: Decoder<RunDetails> = struct<RunDetails>({
  runs: list(runDetail),
  missing: optional(list(runId), () => [])
});

const diffRow: Decoder<DiffRow> = struct<DiffRow>({
  key: text,
  left: nullable(text),
  right: nullable(text)
});
const diffRows = optional(list(diffRow), () => []);

const diffLine: Decoder<DiffLine> = struct<DiffLine>({
  left: nullable(text),
  right: nullable(text),
  left_number: nullable(number),
  right_number: nullable(number),
  same: optional(flag, no)
});

export const runDiff: Decoder<RunDiff> = struct<RunDiff>({
  left: runSummary,
  right: runSummary,
  params: diffRows,
  metrics: diffRows,
  tags: diffRows,
  packages: diffRows,
  surroundings: diffRows,
  source: optional(list(diffLine), () => [])
});
