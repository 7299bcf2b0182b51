/**
 * One opened form for a script: where it runs, with what, and which files would go along. The form
 * has one key: however often the button is pressed or an answer is lost, there is one job.
 */
import { VDomModel } from '@jupyterlab/ui-components';
import { UUID } from '@lumino/coreutils';
import { ApiError } from '../client';
import type { JobClient, JobOrder } from '../jobClient';
import { parameterWords } from '../jobs/parameters';
import type { NotebookOrder, Parameter } from '../jobs/parameters';
import type { CodeSnapshot, JobBackend, Problem, SubmittedJob, WorkspaceId } from '../types';
import { changedOptions, faultOf, initialDraft, optionFields } from './optionForm';
import type { Draft, OptionField } from './optionForm';
import { problemOf, Resource } from './resource';

/** The backend of this machine. */
export const HERE = 'process';
const PLAN_DELAY_MS = 500;
/** From this size on a person is asked. */
export const ASKS_BYTES = 100 * 1024 * 1024;
/** Pauses before a lost answer is asked for again. */
const AGAIN_MS = [500, 1000, 2000, 4000] as const;

export class SubmitStore extends VDomModel {
  readonly backends: Resource<readonly JobBackend[]>;
  /** The files that would go along; only where they go to another machine. */
  readonly plan: Resource<CodeSnapshot>;
  /** Path of a script, or of a notebook. */
  file: string;
  args = '';
  /** Of the notebook that the form was opened for. */
  readonly parameters: readonly Parameter[];
  /** Values in place of those that the notebook itself gives. */
  readonly values = new Map<string, string>();
  backend = HERE;
  /** What stands behind the colon. */
  target = '';
  draft: Draft = new Map();
  large = false;
  sending = false;
  problem: Problem | null = null;
  private key = UUID.uuid4();
  private timer: ReturnType<typeof setTimeout> | null = null;
  private readonly abort = new AbortController();

  constructor(
    private readonly client: JobClient,
    readonly workspace: WorkspaceId,
    notebook: NotebookOrder | null = null
  ) {
    super();
    this.file = notebook?.file ?? '';
    this.parameters = notebook?.parameters ?? [];
    this.backends = new Resource(async signal => (await client.backends(signal)).backends);
    this.plan = new Resource(signal => client.plan(this.order(), signal));
    this.backends.stateChanged.connect(this.onAnswer, this);
    this.plan.stateChanged.connect(this.onAnswer, this);
  }

  open(): void {
    void this.backends.load();
  }

  get chosen(): JobBackend | null {
    return this.backends.value?.find(one => one.name === this.backend) ?? null;
  }

  /** Whether a compute has to be named. */
  get wantsTarget(): boolean {
    return this.backend !== HERE;
  }

  get fields(): OptionField[] {
    return optionFields(this.chosen?.form ?? '{}');
  }

  /** Notebooks run on this machine. */
  get isNotebook(): boolean {
    return this.file.trim().endsWith('.ipynb');
  }

  get isLarge(): boolean {
    return (this.plan.value?.size_bytes ?? 0) > ASKS_BYTES;
  }

  get ready(): boolean {
    return (
      !this.sending &&
      (this.isNotebook || this.file.trim().endsWith('.py')) &&
      this.chosen?.available === true &&
      (!this.wantsTarget || this.target.trim() !== '') &&
      (!this.isLarge || this.large) &&
      this.fields.every(one => faultOf(one, this.draft.get(one.name) ?? one.initial) === null)
    );
  }

  setFile(file: string): void {
    this.file = file;
    if (this.isNotebook && this.wantsTarget) {
      this.chooseBackend(HERE);
    }
    this.changed();
  }

  setParameter({ name, value: given }: Parameter, value: string): void {
    if (value.trim() === '' || value === given) {
      this.values.delete(name);
    } else {
      this.values.set(name, value);
    }
    this.stateChanged.emit();
  }

  setArguments(args: string): void {
    this.args = args;
    this.stateChanged.emit();
  }

  chooseBackend(name: string): void {
    this.backend = name;
    this.target = '';
    this.draft = initialDraft(this.fields);
    this.changed();
  }

  setTarget(target: string): void {
    this.target = target;
    this.changed();
  }

  setOption(name: string, value: string): void {
    this.draft = new Map(this.draft).set(name, value);
    this.changed();
  }

  setLarge(large: boolean): void {
    this.large = large;
    this.stateChanged.emit();
  }

  /** Submit; null when it was refused, and `problem` says why. */
  async submit(): Promise<SubmittedJob | null> {
    if (!this.ready) {
      return null;
    }
    this.sending = true;
    this.problem = null;
    this.stateChanged.emit();
    try {
      return await this.insist();
    } catch (error) {
      if (!this.isDisposed) {
        this.problem = problemOf(error);
        this.key = UUID.uuid4(); // What was refused made no job: the next press is another wish.
      }
      return null;
    } finally {
      this.sending = false;
      this.stateChanged.emit();
    }
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.abort.abort();
      this.clearTimer();
      this.backends.dispose();
      this.plan.dispose();
      super.dispose();
    }
  }

  private order(): JobOrder {
    const target = this.target.trim();
    return {
      workspace: this.workspace,
      file: this.file.trim(),
      on: this.wantsTarget ? `${this.backend}:${target}` : this.backend,
      options: changedOptions(this.fields, this.draft)
    };
  }

  /** Ask until there is an answer: the key makes it one job. */
  private async insist(): Promise<SubmittedJob> {
    const args = this.isNotebook ? [parameterWords(this.values), this.args].join(' ') : this.args;
    const order = { ...this.order(), key: this.key, args: args.trim(), large: this.large };
    for (const pause of AGAIN_MS) {
      try {
        return await this.client.submit(order, this.abort.signal);
      } catch (error) {
        const lost = error instanceof ApiError && error.kind === 'offline';
        if (!lost || this.isDisposed) {
          throw error;
        }
        await new Promise(done => setTimeout(done, pause));
      }
    }
    return this.client.submit(order, this.abort.signal);
  }

  /** Something changed that the files to send depend on. */
  private changed(): void {
    this.stateChanged.emit();
    this.clearTimer();
    const whole = this.file.trim().endsWith('.py') && this.target.trim() !== '';
    if (this.wantsTarget && whole) {
      this.timer = setTimeout(() => void this.plan.load(), PLAN_DELAY_MS);
    }
  }

  private clearTimer(): void {
    if (this.timer !== null) {
      clearTimeout(this.timer);
      this.timer = null;
    }
  }

  private onAnswer(): void {
    this.stateChanged.emit();
  }
}
