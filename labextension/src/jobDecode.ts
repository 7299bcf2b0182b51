/** From `unknown` to the wire types of jobs that run elsewhere. */
import { problem, runId, workspaceId } from './decode';
import { empty, flag, list, no, nullable, number, oneOf, optional } from './decoders';
import { struct, text } from './decoders';
import type { Decoder } from './decoders';
import type {
  CodeSnapshot,
  JobBackend,
  JobBackends,
  JobList,
  JobText,
  LeftOut,
  SubmittedJob,
  Travelling
} from './types';

const yes = (): boolean => true;
const texts = optional(list(text), () => []);

const leftOut: Decoder<LeftOut> = struct<LeftOut>({ path: text, why: text });

export const snapshot: Decoder<CodeSnapshot> = struct<CodeSnapshot>({
  folder: text,
  files: optional(number, () => 0),
  size_bytes: optional(number, () => 0),
  paths: texts,
  left_out: optional(list(leftOut), () => [])
});

const travelling: Decoder<Travelling> = struct<Travelling>({
  name: text,
  kind: text,
  size_bytes: nullable(number)
});

export const submittedJob: Decoder<SubmittedJob> = struct<SubmittedJob>({
  id: runId,
  name: text,
  backend: text,
  target: text,
  what: text,
  state: oneOf('queued', 'preparing', 'running', 'finishing', 'done', 'failed', 'cancelled'),
  workspace_id: workspaceId,
  workspace_name: text,
  submitted_ms: number,
  detail: optional(text, empty),
  began_ms: nullable(number),
  ended_ms: nullable(number),
  experiment: nullable(text),
  notebook: optional(text, empty),
  cell_id: optional(text, empty),
  names: optional(list(travelling), () => []),
  returns: texts,
  returned: optional(list(travelling), () => []),
  snapshot: nullable(snapshot),
  link: nullable(text),
  cancel_asked: optional(flag, no),
  away: optional(flag, no),
  followed: optional(flag, yes),
  problem: nullable(problem)
});

export const jobList: Decoder<JobList> = struct<JobList>({ jobs: list(submittedJob) });

const backend: Decoder<JobBackend> = struct<JobBackend>({
  name: text,
  title: text,
  help: text,
  targets: texts,
  available: optional(flag, yes),
  why_not: optional(text, empty),
  form: optional(text, () => '{}')
});

export const jobBackends: Decoder<JobBackends> = struct<JobBackends>({ backends: list(backend) });

export const jobText: Decoder<JobText> = struct<JobText>({
  id: runId,
  position: number,
  text,
  next: number,
  ended: flag
});
