/** Requests about models, deploys and endpoints, over the client of everything else. */
import type { Client } from './client';
import * as decode from './modelDecode';
import type {
  DeployPlan,
  DriftReport,
  EndpointInfo,
  EndpointList,
  JobInfo,
  LogLines,
  ModelInfo,
  ModelPage,
  ModelVersionDetail,
  ModelVersionInfo,
  MonitorReport,
  Prediction,
  Removed,
  RunId,
  TargetList,
  WorkspaceId
} from './types';

/** What an option of a target may be. */
export type OptionValue = string | number | boolean | string[];

export interface VersionWords {
  readonly workspace: WorkspaceId;
  readonly name: string;
  readonly version: string;
}

/** Which endpoint; `workspace` of one that lives in Azure, null for the others. */
export interface EndpointWords {
  readonly name: string;
  readonly workspace: WorkspaceId | null;
}

export interface PlanQuery {
  readonly workspace: WorkspaceId;
  readonly model: string;
  readonly target: string;
  /** null for a name that the server makes. */
  readonly name: string | null;
}

export interface DeployOrder extends PlanQuery {
  /** The same key never makes a second deployment. */
  readonly key: string;
  readonly options: { readonly [name: string]: OptionValue };
  readonly trafficPercent: number | null;
  readonly shadow: boolean;
  /** Digest of the files that the person agreed to run. */
  readonly consentDigest: string | null;
}

export class ModelClient {
  constructor(private readonly client: Client) {}

  models(
    workspace: WorkspaceId,
    search: string,
    pageToken: string | null,
    limit: number,
    signal: AbortSignal
  ): Promise<ModelPage> {
    const query = { workspace, search, page_token: pageToken, limit };
    return this.client.get('models', query, decode.modelPage, signal);
  }

  model(workspace: WorkspaceId, name: string, signal: AbortSignal): Promise<ModelInfo> {
    return this.client.get('model', { workspace, name }, decode.modelInfo, signal);
  }

  version(words: VersionWords, signal: AbortSignal): Promise<ModelVersionDetail> {
    const { workspace, name, version } = words;
    const query = { workspace, name, version };
    return this.client.get('model/version', query, decode.modelVersionDetail, signal);
  }

  register(
    workspace: WorkspaceId,
    runId: RunId,
    name: string,
    path: string | null,
    signal: AbortSignal
  ): Promise<ModelVersionInfo> {
    const body = { workspace_id: workspace, run_id: runId, name, path };
    return this.client.post('models/register', body, decode.modelVersion, signal);
  }

  setAlias(
    words: VersionWords,
    alias: string,
    remove: boolean,
    signal: AbortSignal
  ): Promise<ModelVersionInfo> {
    const { workspace, name, version } = words;
    const body = { workspace_id: workspace, name, version, alias, remove };
    return this.client.post('models/alias', body, decode.modelVersion, signal);
  }

  /** @param value null takes the tag away. */
  setTag(
    subject: { workspace: WorkspaceId; name: string; version: string | null },
    key: string,
    value: string | null,
    signal: AbortSignal
  ): Promise<ModelInfo> {
    const { workspace, name, version } = subject;
    const body = { workspace_id: workspace, name, version, key, value };
    return this.client.post('models/tag', body, decode.modelInfo, signal);
  }

  /** @param version null for the model itself. */
  describe(
    workspace: WorkspaceId,
    name: string,
    version: string | null,
    description: string,
    signal: AbortSignal
  ): Promise<ModelInfo> {
    const body = { workspace_id: workspace, name, version, description };
    return this.client.post('models/describe', body, decode.modelInfo, signal);
  }

  setStage(
    words: VersionWords,
    stage: 'None' | 'Staging' | 'Production' | 'Archived',
    signal: AbortSignal
  ): Promise<ModelVersionInfo> {
    const { workspace, name, version } = words;
    const body = { workspace_id: workspace, name, version, stage };
    return this.client.post('models/stage', body, decode.modelVersion, signal);
  }

  /** @param version null for the model with all its versions. */
  removeModel(
    workspace: WorkspaceId,
    name: string,
    version: string | null,
    confirm: string,
    signal: AbortSignal
  ): Promise<Removed> {
    const body = { workspace_id: workspace, name, version, confirm };
    return this.client.post('models/remove', body, decode.removed, signal);
  }

  targets(signal: AbortSignal): Promise<TargetList> {
    return this.client.get('targets', {}, decode.targetList, signal);
  }

  plan(query: PlanQuery, signal: AbortSignal): Promise<DeployPlan> {
    const { workspace, model, target, name } = query;
    const body = { workspace_id: workspace, model, target, name };
    return this.client.post('deploy/plan', body, decode.deployPlan, signal);
  }

  deploy(order: DeployOrder, signal: AbortSignal): Promise<JobInfo> {
    const body = {
      workspace_id: order.workspace,
      model: order.model,
      key: order.key,
      target: order.target,
      name: order.name,
      options: order.options,
      traffic_percent: order.trafficPercent,
      shadow: order.shadow,
      consent_digest: order.consentDigest
    };
    return this.client.post('deploy', body, decode.jobInfo, signal);
  }

  job(id: string, signal: AbortSignal): Promise<JobInfo> {
    return this.client.get('deploy/job', { id }, decode.jobInfo, signal);
  }

  endpoints(signal: AbortSignal): Promise<EndpointList> {
    return this.client.get('endpoints', {}, decode.endpointList, signal);
  }

  /** An endpoint in Azure as it is now, whoever made it. */
  cloudEndpoint(workspace: WorkspaceId, name: string, signal: AbortSignal): Promise<EndpointInfo> {
    return this.client.get('azure/endpoint', { workspace, name }, decode.endpointInfo, signal);
  }

  /** Have the key of an endpoint in Azure in a private file, which the snippets read. */
  writeKeys(workspace: WorkspaceId, name: string, signal: AbortSignal): Promise<EndpointInfo> {
    const body = { workspace_id: workspace, name };
    return this.client.post('azure/endpoint/keys', body, decode.endpointInfo, signal);
  }

  logs(
    { name, workspace }: EndpointWords,
    label: string | null,
    lines: number,
    signal: AbortSignal
  ): Promise<LogLines> {
    const query = { name, label, lines, workspace };
    return this.client.get('endpoints/logs', query, decode.logLines, signal);
  }

  monitor(name: string, windowS: number, signal: AbortSignal): Promise<MonitorReport> {
    const query = { name, window_s: windowS };
    return this.client.get('endpoints/monitor', query, decode.monitorReport, signal);
  }

  drift(workspace: WorkspaceId, name: string, signal: AbortSignal): Promise<DriftReport> {
    const body = { workspace_id: workspace, name };
    return this.client.post('endpoints/drift', body, decode.driftReport, signal);
  }

  setTraffic(
    { name, workspace }: EndpointWords,
    percents: ReadonlyMap<string, number>,
    shadow: readonly string[],
    signal: AbortSignal
  ): Promise<EndpointInfo> {
    const shares = Object.fromEntries(percents);
    const body = { name, percents: shares, shadow, workspace_id: workspace };
    return this.client.post('endpoints/traffic', body, decode.endpointInfo, signal);
  }

  stop(name: string, signal: AbortSignal): Promise<EndpointInfo> {
    return this.client.post('endpoints/stop', { name }, decode.endpointInfo, signal);
  }

  start(name: string, signal: AbortSignal): Promise<EndpointInfo> {
    return this.client.post('endpoints/start', { name }, decode.endpointInfo, signal);
  }

  /** @param label null for the endpoint with all versions behind it. */
  removeEndpoint(
    { name, workspace }: EndpointWords,
    label: string | null,
    confirm: string,
    signal: AbortSignal
  ): Promise<Removed> {
    const body = { name, label, confirm, workspace_id: workspace };
    return this.client.post('endpoints/remove', body, decode.removed, signal);
  }

  predict(
    { name, workspace }: EndpointWords,
    body: string,
    signal: AbortSignal
  ): Promise<Prediction> {
    const sent = { name, body, workspace_id: workspace };
    return this.client.post('endpoints/predict', sent, decode.prediction, signal);
  }
}
