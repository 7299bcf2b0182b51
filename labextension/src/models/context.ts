/** What the views of models and deployments need besides the panel's own tools. */
import * as React from 'react';
import type { DeployStore, DeploySubject } from '../store/deployStore';
import type { EndpointsStore } from '../store/endpointsStore';
import type { ModelActs, ModelSubject } from '../store/modelActs';
import type { ModelsStore } from '../store/modelsStore';
import type { Resource } from '../store/resource';
import type { ModelInfo, ModelVersionDetail, RunId, WorkspaceId } from '../types';

export interface VersionWords {
  readonly workspace: WorkspaceId;
  readonly name: string;
  readonly version: string;
}

export interface ModelTools {
  readonly models: ModelsStore;
  readonly endpoints: EndpointsStore;
  /** A new form; whoever made it disposes of it. */
  readonly newDeploy: (subject: DeploySubject) => DeployStore;
  /** What can be done to a model or a version of any workspace. */
  readonly acts: (subject: ModelSubject, changed?: () => Promise<void>) => ModelActs;
  /** A model of any workspace; whoever made it disposes of it. */
  readonly newModel: (workspace: WorkspaceId, name: string) => Resource<ModelInfo>;
  /** A version of any workspace; whoever made it disposes of it. */
  readonly newVersion: (words: VersionWords) => Resource<ModelVersionDetail>;
  readonly openRun: (runId: RunId) => void;
  /** Show an endpoint in its section. */
  readonly openEndpoint: (name: string) => void;
  readonly openModels: () => void;
}

const Context = React.createContext<ModelTools | null>(null);

export const ModelToolsProvider = Context.Provider;

export function useModelTools(): ModelTools {
  const tools = React.useContext(Context);
  if (tools === null) {
    throw new Error('Models were rendered outside of their provider');
  }
  return tools;
}

/** What can be done to a model, or a version of it, of the workspace that the section shows. */
export function useActs(name: string, version: string | null): ModelActs | null {
  const { acts, models } = useModelTools();
  const { workspaceId } = models;
  return React.useMemo(
    () => (workspaceId === null ? null : acts({ workspace: workspaceId, name, version })),
    [acts, workspaceId, name, version]
  );
}
