/** One opened endpoint: what it takes, what it was asked, its log, its curves, what is done to it. */
import { VDomModel } from '@jupyterlab/ui-components';
import type { EndpointWords, ModelClient } from '../modelClient';
import type {
  DeploymentInfo,
  DriftReport,
  EndpointInfo,
  LogLines,
  ModelVersionDetail,
  MonitorReport,
  Prediction,
  Problem,
  WorkspaceId
} from '../types';
import { problemOf, Resource } from './resource';
import type { Shares } from './traffic';

const CALLS_KEPT = 10;
const LOG_LINES = 200;
const HOUR_S = 3600;

/** One request that was tried here, with its answer. */
export interface Call {
  readonly number: number;
  readonly atMs: number;
  readonly body: string;
  readonly prediction: Prediction | null;
  /** Why there is no answer, or why the model refused. */
  readonly problem: Problem | null;
}

export class EndpointStore extends VDomModel {
  /** Newest first. */
  calls: Call[] = [];
  asking = false;
  /** What is being done to the endpoint now. */
  acting = false;
  problem: Problem | null = null;
  /** null for all versions. */
  logLabel: string | null = null;
  windowS = HOUR_S;
  readonly logs: Resource<LogLines>;
  readonly monitor: Resource<MonitorReport>;
  /** The endpoint as Azure describes it now; null for one that lives elsewhere. */
  readonly now: Resource<EndpointInfo> | null;
  private drifting: Resource<DriftReport> | null = null;
  private signatures = new Map<string, Resource<ModelVersionDetail>>();
  private count = 0;
  private readonly abort = new AbortController();

  constructor(
    private readonly client: ModelClient,
    private readonly words: EndpointWords,
    private readonly onChanged: () => void
  ) {
    super();
    const { name, workspace } = words;
    this.logs = new Resource(signal => client.logs(words, this.logLabel, LOG_LINES, signal));
    this.now =
      workspace === null
        ? null
        : new Resource(signal => client.cloudEndpoint(workspace, name, signal));
    this.monitor = new Resource(signal => client.monitor(name, this.windowS, signal));
  }

  get name(): string {
    return this.words.name;
  }

  /** What a version takes; null where it is no version of a registered model. */
  detail(workspace: WorkspaceId, deployment: DeploymentInfo): Resource<ModelVersionDetail> | null {
    const { model, version } = deployment;
    if (version === null || model === '') {
      return null;
    }
    const key = `${version} ${model}`;
    const found = this.signatures.get(key);
    if (found !== undefined) {
      return found;
    }
    const words = { workspace, name: model, version };
    const made = new Resource(signal => this.client.version(words, signal));
    this.signatures.set(key, made);
    void made.load();
    return made;
  }

  /** What the endpoint was asked beside what its model was trained on; asked for by a click. */
  drift(workspace: WorkspaceId): Resource<DriftReport> {
    this.drifting ??= new Resource(signal => this.client.drift(workspace, this.words.name, signal));
    return this.drifting;
  }

  chooseLog(label: string | null): void {
    this.logLabel = label;
    void this.logs.load();
  }

  chooseWindow(windowS: number): void {
    this.windowS = windowS;
    void this.monitor.load();
  }

  /** Ask the endpoint; a press while an answer is awaited does nothing. */
  async predict(body: string): Promise<void> {
    if (this.asking) {
      return;
    }
    this.asking = true;
    this.stateChanged.emit();
    const call = { number: (this.count += 1), atMs: Date.now(), body };
    try {
      const prediction = await this.client.predict(this.words, body, this.abort.signal);
      this.keep({ ...call, prediction, problem: prediction.problem });
    } catch (error) {
      if (this.isDisposed) {
        return;
      }
      this.keep({ ...call, prediction: null, problem: problemOf(error) });
    }
    this.asking = false;
    this.stateChanged.emit();
    this.onChanged();
  }

  setTraffic(shares: Shares, shadow: readonly string[]): Promise<boolean> {
    return this.act(signal => this.client.setTraffic(this.words, shares, shadow, signal));
  }

  stop(): Promise<boolean> {
    return this.act(signal => this.client.stop(this.words.name, signal));
  }

  start(): Promise<boolean> {
    return this.act(signal => this.client.start(this.words.name, signal));
  }

  /** @param label null for the endpoint with all versions behind it. */
  remove(label: string | null, confirm: string): Promise<boolean> {
    return this.act(signal => this.client.removeEndpoint(this.words, label, confirm, signal));
  }

  /** Have the key in its private file; the endpoint then has lines to copy. */
  writeKeys(): Promise<boolean> {
    const { name, workspace } = this.words;
    return this.act(async signal => {
      if (workspace !== null) {
        await this.client.writeKeys(workspace, name, signal);
      }
    });
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.abort.abort();
      this.drifting?.dispose();
      this.now?.dispose();
      [this.logs, this.monitor, ...this.signatures.values()].forEach(one => one.dispose());
      super.dispose();
    }
  }

  private keep(call: Call): void {
    this.calls = [call, ...this.calls].slice(0, CALLS_KEPT);
  }

  /** Returns true when it was done. */
  private async act(what: (signal: AbortSignal) => Promise<unknown>): Promise<boolean> {
    if (this.acting) {
      return false;
    }
    this.acting = true;
    this.problem = null;
    this.stateChanged.emit();
    try {
      await what(this.abort.signal);
    } catch (error) {
      if (this.isDisposed) {
        return false;
      }
      this.problem = problemOf(error);
    }
    if (this.problem === null) {
      await this.now?.load();
    }
    this.acting = false;
    this.stateChanged.emit();
    this.onChanged();
    return this.problem === null;
  }
}
