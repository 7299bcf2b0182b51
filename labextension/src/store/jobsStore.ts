/** Jobs that run elsewhere, asked for quickly while somebody looks or one runs. */
import type { JobClient } from '../jobClient';
import type { NotebookOrder } from '../jobs/parameters';
import type { Problem, RunId, SubmittedJob, WorkspaceId } from '../types';
import { hasEnded } from './jobStates';
import { JobLogStore } from './jobLogStore';
import { PolledStore } from './polledStore';
import { problemOf } from './resource';

const QUICK_POLL_MS = 1500;

export class JobsStore extends PolledStore {
  jobs: SubmittedJob[] = [];
  /** Whether the form for a script is open. */
  submitting = false;
  /** The notebook that the form was opened for. */
  notebook: NotebookOrder | null = null;
  /** Jobs that something is being done to. */
  readonly acting = new Set<RunId>();
  private readonly logs = new Map<RunId, JobLogStore>();
  /** Workspaces whose jobs were given a follower; once is enough. */
  private readonly followed = new Set<WorkspaceId>();

  constructor(readonly client: JobClient) {
    super('jobs', QUICK_POLL_MS);
  }

  /** How many have not ended. */
  get running(): number {
    return this.jobs.filter(job => !hasEnded(job)).length;
  }

  /** @param notebook that is to run, with its parameters; none for a form that asks for a script. */
  setSubmitting(open: boolean, notebook: NotebookOrder | null = null): void {
    this.submitting = open;
    this.notebook = notebook;
    this.stateChanged.emit();
  }

  /** What a job printed; kept while the job is listed. */
  log(id: RunId): JobLogStore {
    const found = this.logs.get(id);
    if (found !== undefined) {
      return found;
    }
    const made = new JobLogStore(this.client, id);
    this.logs.set(id, made);
    return made;
  }

  /** Ask for a job's end; returns why it was refused. */
  cancel(job: SubmittedJob): Promise<Problem | null> {
    return this.act(job.id, async () => {
      const changed = await this.client.cancel(job.id, this.abort.signal);
      this.jobs = this.jobs.map(one => (one.id === changed.id ? changed : one));
    });
  }

  /** Forget a job that has ended; its run stays. */
  remove(job: SubmittedJob): Promise<Problem | null> {
    return this.act(job.id, async () => {
      await this.client.remove(job.id, job.name, this.abort.signal);
      this.jobs = this.jobs.filter(one => one.id !== job.id);
    });
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.logs.forEach(log => log.dispose());
      super.dispose();
    }
  }

  protected get underWay(): boolean {
    return this.running > 0;
  }

  protected async ask(signal: AbortSignal): Promise<() => void> {
    const { jobs } = await this.client.jobs(signal);
    return () => {
      this.jobs = jobs;
      this.letGo();
      this.followAgain();
    };
  }

  private async act(id: RunId, what: () => Promise<void>): Promise<Problem | null> {
    this.acting.add(id);
    this.stateChanged.emit();
    try {
      await what();
      return null;
    } catch (error) {
      return problemOf(error);
    } finally {
      this.acting.delete(id);
      if (!this.isDisposed) {
        this.stateChanged.emit();
        void this.refresh();
      }
    }
  }

  /** A machine that was closed has jobs that go on and that nobody follows here. */
  private followAgain(): void {
    for (const job of this.jobs) {
      if (!job.followed && !hasEnded(job) && !this.followed.has(job.workspace_id)) {
        this.followed.add(job.workspace_id);
        this.client.follow(job.workspace_id, this.abort.signal).then(
          () => void this.refresh(),
          () => undefined // The row says that it is not followed.
        );
      }
    }
  }

  private letGo(): void {
    const there = new Set(this.jobs.map(job => job.id));
    for (const [id, log] of this.logs) {
      if (!there.has(id)) {
        this.logs.delete(id);
        log.dispose();
      }
    }
  }
}
