/** Requests about jobs that run elsewhere, over the client of everything else. */
import type { Client } from './client';
import * as decode from './jobDecode';
import type { OptionValue } from './modelClient';
import { removed } from './modelDecode';
import type {
  CodeSnapshot,
  JobBackends,
  JobList,
  JobText,
  Removed,
  RunId,
  SubmittedJob,
  WorkspaceId
} from './types';

export interface JobOrder {
  readonly workspace: WorkspaceId;
  /** Path of the script below the server's folder. */
  readonly file: string;
  readonly on: string;
  readonly options: { readonly [name: string]: OptionValue };
}

export interface JobSubmission extends JobOrder {
  /** The same key never makes a second job. */
  readonly key: string;
  readonly args: string;
  /** Agrees to send more than 100 MB. */
  readonly large: boolean;
}

export class JobClient {
  constructor(private readonly client: Client) {}

  jobs(signal: AbortSignal): Promise<JobList> {
    return this.client.get('jobs', {}, decode.jobList, signal);
  }

  /** @param position from which byte on; negative: from the end. */
  log(id: RunId, position: number, signal: AbortSignal): Promise<JobText> {
    return this.client.get('jobs/log', { id, position }, decode.jobText, signal);
  }

  backends(signal: AbortSignal): Promise<JobBackends> {
    return this.client.get('jobs/backends', {}, decode.jobBackends, signal);
  }

  plan(order: JobOrder, signal: AbortSignal): Promise<CodeSnapshot> {
    const { workspace, file, on, options } = order;
    const body = { workspace_id: workspace, file, on, options };
    return this.client.post('jobs/plan', body, decode.snapshot, signal);
  }

  submit(order: JobSubmission, signal: AbortSignal): Promise<SubmittedJob> {
    const { workspace, file, on, options, key, args, large } = order;
    const body = { workspace_id: workspace, file, on, options, key, arguments: args, large };
    return this.client.post('jobs/submit', body, decode.submittedJob, signal);
  }

  /** Have jobs of a workspace followed that nobody follows. */
  follow(workspace: WorkspaceId, signal: AbortSignal): Promise<JobList> {
    return this.client.post('jobs/follow', { workspace_id: workspace }, decode.jobList, signal);
  }

  cancel(id: RunId, signal: AbortSignal): Promise<SubmittedJob> {
    return this.client.post('jobs/cancel', { id }, decode.submittedJob, signal);
  }

  remove(id: RunId, name: string, signal: AbortSignal): Promise<Removed> {
    return this.client.post('jobs/remove', { id, confirm: name }, removed, signal);
  }
}
