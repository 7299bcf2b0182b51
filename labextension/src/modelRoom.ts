/** All that views of models and deployments share, made when one of them is first shown. */
import type { Client } from './client';
import { ModelClient } from './modelClient';
import type { ModelTools } from './models/context';
import { DeployStore } from './store/deployStore';
import { EndpointsStore } from './store/endpointsStore';
import { ModelActs } from './store/modelActs';
import { ModelsStore } from './store/modelsStore';
import { Resource } from './store/resource';
import type { IMltrackPanel } from './token';

export { DeploymentsSection } from './deployments/deploymentsSection';
export { ModelToolsProvider } from './models/context';
export { ModelsSection } from './models/modelsSection';
export { RegisterPart } from './models/registerPart';

export function makeModelTools(base: Client, panel: IMltrackPanel): ModelTools {
  const client = new ModelClient(base);
  const models = new ModelsStore(client);
  const endpoints = new EndpointsStore(client);
  return {
    models,
    endpoints,
    newDeploy: subject =>
      new DeployStore(client, subject, () => {
        void endpoints.refresh();
      }),
    acts: (subject, changed) =>
      new ModelActs(client, subject, async () => {
        await Promise.all([models.changed(subject.workspace, subject.name), changed?.()]);
      }),
    newModel: (workspace, name) => new Resource(signal => client.model(workspace, name, signal)),
    newVersion: words => new Resource(signal => client.version(words, signal)),
    openRun: runId => {
      panel.openSection('runs');
      void panel.load().then(({ store }) => store.openRun(runId));
    },
    openEndpoint: name => {
      panel.openSection('deployments');
      endpoints.want(name);
    },
    openModels: () => panel.openSection('models')
  };
}
