/**
 * One opened deploy form: what can be chosen, what would run, and the deploy when it was started.
 * The form has one key: however often the button is pressed or an answer is lost, the server makes
 * one deployment.
 */
import { VDomModel } from '@jupyterlab/ui-components';
import { UUID } from '@lumino/coreutils';
import { Poll } from '@lumino/polling';
import { ApiError } from '../client';
import type { DeployOrder, ModelClient } from '../modelClient';
import type { DeployPlan, JobInfo, Problem, TargetInfo, WorkspaceId } from '../types';
import { changedOptions, faultOf, initialDraft, optionFields } from './optionForm';
import type { Draft, OptionField } from './optionForm';
import { problemOf, Resource } from './resource';

const NAME_DELAY_MS = 400;
const WATCH_MS = 300;
const LONGEST_WATCH_MS = 5000;
/** Pauses before a lost answer is asked for again. */
const AGAIN_MS = [500, 1000, 2000, 4000, 8000] as const;

/**
 * - `form`: something can be chosen; `sending`: the order is under way, its answer not yet here;
 * - `job`: the server works on it, or is done with it.
 */
export type DeployPhase = 'form' | 'sending' | 'job';

export interface DeploySubject {
  readonly workspace: WorkspaceId;
  /** Words that name the model's version: NAME/VERSION. */
  readonly model: string;
}

export class DeployStore extends VDomModel {
  readonly targets: Resource<readonly TargetInfo[]>;
  readonly plan: Resource<DeployPlan>;
  phase: DeployPhase = 'form';
  target = 'local';
  /** null until somebody types one: then it is the plan's. */
  name: string | null = null;
  draft: Draft = new Map();
  trafficPercent = 0;
  shadow = false;
  trusted = false;
  job: JobInfo | null = null;
  /** Why the order was not taken. */
  problem: Problem | null = null;
  /** How often the order's answer was lost. */
  lost = 0;
  private key = UUID.uuid4();
  private digest = '';
  private timer: ReturnType<typeof setTimeout> | null = null;
  private readonly abort = new AbortController();
  private readonly watch: Poll;

  constructor(
    private readonly client: ModelClient,
    readonly subject: DeploySubject,
    private readonly onDone: (job: JobInfo) => void
  ) {
    super();
    this.targets = new Resource(async signal => (await client.targets(signal)).targets);
    this.plan = new Resource(signal =>
      client.plan({ ...subject, target: this.target, name: this.name }, signal)
    );
    this.targets.stateChanged.connect(this.onAnswer, this);
    this.plan.stateChanged.connect(this.onAnswer, this);
    this.watch = new Poll({
      auto: false,
      name: 'jupyter-mltrack:deploy-job',
      factory: () => this.look(),
      frequency: { interval: WATCH_MS, backoff: true, max: LONGEST_WATCH_MS },
      standby: 'when-hidden'
    });
  }

  open(): void {
    void this.targets.load();
    void this.plan.load();
  }

  get fields(): OptionField[] {
    return optionFields(this.targetInfo?.form ?? '{}');
  }

  get targetInfo(): TargetInfo | null {
    return this.targets.value?.find(one => one.name === this.target) ?? null;
  }

  /** The name the endpoint would get. */
  get shownName(): string {
    return this.name ?? this.plan.value?.name ?? '';
  }

  /** True when nothing is missing that a deploy needs. */
  get ready(): boolean {
    const plan = this.plan.value;
    return (
      plan !== null &&
      this.plan.problem === null &&
      this.phase === 'form' &&
      (!plan.needs_consent || this.trusted) &&
      this.targetInfo?.available !== false &&
      this.fields.every(one => faultOf(one, this.draft.get(one.name) ?? one.initial) === null)
    );
  }

  chooseTarget(target: string): void {
    this.target = target;
    this.draft = initialDraft(this.fields);
    this.shadow = false;
    this.trafficPercent = 0;
    void this.plan.load();
  }

  setName(name: string): void {
    this.name = name === '' ? null : name;
    this.stateChanged.emit();
    this.clearTimer();
    this.timer = setTimeout(() => void this.plan.load(), NAME_DELAY_MS);
  }

  setOption(name: string, value: string): void {
    this.draft = new Map(this.draft).set(name, value);
    this.stateChanged.emit();
  }

  setTraffic(percent: number): void {
    this.trafficPercent = Math.min(100, Math.max(0, Math.round(percent)));
    this.stateChanged.emit();
  }

  setShadow(shadow: boolean): void {
    this.shadow = shadow;
    this.stateChanged.emit();
  }

  setTrusted(trusted: boolean): void {
    this.trusted = trusted;
    this.stateChanged.emit();
  }

  /** Start the deploy. A press while one is under way does nothing. */
  async deploy(): Promise<void> {
    const plan = this.plan.value;
    if (!this.ready || plan === null) {
      return;
    }
    this.phase = 'sending';
    this.problem = null;
    this.stateChanged.emit();
    try {
      this.job = await this.insist(this.order(plan));
      this.phase = 'job';
      this.follow(this.job);
    } catch (error) {
      if (this.isDisposed) {
        return;
      }
      this.problem = problemOf(error);
      this.phase = 'form';
      void this.plan.load(); // What would run may be another thing now.
    }
    this.stateChanged.emit();
  }

  /** Back to the form after a failure; what follows is another wish, so it has another key. */
  again(): void {
    this.key = UUID.uuid4();
    this.job = null;
    this.problem = null;
    this.phase = 'form';
    void this.watch.stop();
    void this.plan.load();
    this.stateChanged.emit();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.clearTimer();
      this.abort.abort();
      this.watch.dispose();
      this.targets.dispose();
      this.plan.dispose();
      super.dispose();
    }
  }

  private order(plan: DeployPlan): DeployOrder {
    const further = plan.existing !== '';
    return {
      ...this.subject,
      key: this.key,
      target: this.target,
      name: this.shownName,
      options: changedOptions(this.fields, this.draft),
      trafficPercent: further ? this.trafficPercent : null,
      shadow: further && this.shadow,
      consentDigest: plan.needs_consent ? plan.digest : null
    };
  }

  /** Send the order until it is answered, always under the same key. */
  private async insist(order: DeployOrder): Promise<JobInfo> {
    for (this.lost = 0; ; this.lost++) {
      try {
        return await this.client.deploy(order, this.abort.signal);
      } catch (error) {
        const pause = AGAIN_MS[this.lost];
        if (!isLost(error) || pause === undefined || this.isDisposed) {
          throw error;
        }
        this.stateChanged.emit();
        await new Promise(resolve => setTimeout(resolve, pause));
      }
    }
  }

  private follow(job: JobInfo): void {
    if (job.state === 'running') {
      void this.watch.start();
    } else {
      this.onDone(job);
    }
  }

  private async look(): Promise<void> {
    const id = this.job?.id;
    if (id === undefined) {
      return;
    }
    const job = await this.client.job(id, this.abort.signal);
    if (this.isDisposed || this.job?.id !== id) {
      return;
    }
    this.job = job;
    if (job.state !== 'running') {
      void this.watch.stop();
      this.onDone(job);
    }
    this.stateChanged.emit();
  }

  private onAnswer(): void {
    const { plan, targets } = this;
    if (plan.value !== null && plan.value.digest !== this.digest) {
      this.digest = plan.value.digest;
      this.trusted = false;
    }
    if (targets.value !== null && this.draft.size === 0) {
      this.draft = initialDraft(this.fields);
    }
    this.stateChanged.emit();
  }

  private clearTimer(): void {
    if (this.timer !== null) {
      clearTimeout(this.timer);
      this.timer = null;
    }
  }
}

/** True when nobody knows whether the server got the request. */
function isLost(error: unknown): boolean {
  return (
    error instanceof ApiError &&
    (error.kind === 'offline' || error.problem.code === 'store_timeout')
  );
}
