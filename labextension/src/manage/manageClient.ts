/** Requests about the resources of an Azure ML workspace, over the client of everything else. */
import type { Client } from '../client';
import { pair, problem } from '../decode';
import { empty, flag, list, nullable, number, optional, struct, text } from '../decoders';
import { zero } from '../decoders';
import type { Decoder } from '../decoders';
import type {
  AzureChange,
  AzureEndpointInfo,
  AzureOverview,
  AzureWorkspaceInfo,
  ComputeInfo,
  DataEntry,
  DataListing,
  DatastoreInfo,
  WorkspaceId
} from '../types';

export type ComputeAct = 'start' | 'stop' | 'restart' | 'delete';

const yes = (): boolean => true;
const no = (): boolean => false;

const workspace: Decoder<AzureWorkspaceInfo> = struct<AzureWorkspaceInfo>({
  name: text,
  subscription_id: text,
  resource_group: text,
  arm_id: text,
  location: optional(text, empty),
  state: optional(text, empty),
  kind: optional(text, empty),
  public: nullable(flag),
  storage: optional(text, empty),
  link: optional(text, empty),
  description: optional(text, empty),
  tags: optional(list(pair), () => [])
});

export const compute: Decoder<ComputeInfo> = struct<ComputeInfo>({
  name: text,
  kind: text,
  state: text,
  size: optional(text, empty),
  priority: optional(text, empty),
  nodes: nullable(number),
  nodes_min: nullable(number),
  nodes_max: nullable(number),
  idle_nodes: optional(number, zero),
  idle_stop_s: nullable(number),
  costs: optional(text, empty),
  acts: optional(list(text), () => []),
  created_ms: nullable(number),
  resource: optional(text, empty),
  problem: nullable(problem)
});

const endpoint: Decoder<AzureEndpointInfo> = struct<AzureEndpointInfo>({
  name: text,
  kind: text,
  state: text,
  auth: optional(text, empty),
  address: optional(text, empty),
  public: nullable(flag),
  traffic: optional(list(pair), () => []),
  costs: optional(text, empty),
  link: optional(text, empty)
});

const datastore: Decoder<DatastoreInfo> = struct<DatastoreInfo>({
  name: text,
  kind: text,
  account: optional(text, empty),
  container: optional(text, empty),
  is_default: optional(flag, no)
});

const entry: Decoder<DataEntry> = struct<DataEntry>({
  path: text,
  is_dir: optional(flag, no),
  size_bytes: nullable(number),
  modified_ms: nullable(number)
});

export const dataListing: Decoder<DataListing> = struct<DataListing>({
  datastore: text,
  path: text,
  entries: list(entry),
  truncated: optional(flag, no)
});

export const overview: Decoder<AzureOverview> = struct<AzureOverview>({
  workspace,
  computes: list(compute),
  endpoints: list(endpoint),
  datastores: optional(list(datastore), () => []),
  models: nullable(number),
  problems: optional(list(problem), () => []),
  asked_ms: optional(number, zero),
  took_ms: optional(number, zero)
});

const change: Decoder<AzureChange> = struct<AzureChange>({
  what: text,
  act: text,
  state: text,
  done: optional(flag, yes),
  compute: nullable(compute)
});

export class ManageClient {
  constructor(private readonly client: Client) {}

  overview(id: WorkspaceId, signal: AbortSignal): Promise<AzureOverview> {
    return this.client.get('azure/overview', { workspace: id }, overview, signal);
  }

  /** One folder of a datastore; an empty path is its top. */
  data(id: WorkspaceId, store: string, path: string, signal: AbortSignal): Promise<DataListing> {
    return this.client.get('azure/data', { workspace: id, store, path }, dataListing, signal);
  }

  /** `confirm` repeats the name of what is to be deleted. */
  changeCompute(
    id: WorkspaceId,
    name: string,
    act: ComputeAct,
    signal: AbortSignal
  ): Promise<AzureChange> {
    const confirm = act === 'delete' ? name : '';
    return this.client.post(
      'azure/compute',
      { workspace_id: id, name, act, confirm },
      change,
      signal
    );
  }
}
