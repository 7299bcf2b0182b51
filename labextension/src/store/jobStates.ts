/** What the state of a job means. Pure. */
import type { SubmittedJob } from '../types';

export function hasEnded(job: SubmittedJob): boolean {
  return job.state === 'done' || job.state === 'failed' || job.state === 'cancelled';
}
