/** The plugins of models and deployments: sections like those that anybody can add. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';
import * as React from 'react';
import { Lazy } from './lazy';
import type * as ModelRoomModule from './modelRoom';
import type { ModelTools } from './models/context';
import { Later } from './panel/later';
import { REGISTER_PART } from './panel/runParts';
import type { PanelStore } from './store/panelStore';
import { IMltrackPanel } from './token';
import type { ISection } from './token';

const DOMAIN = 'jupyter_mltrack';
const MODELS = 'models';
const DEPLOYMENTS = 'deployments';
const MODELS_RANK = 300;
const DEPLOYMENTS_RANK = 400;

type ModelRoom = typeof ModelRoomModule & { readonly tools: ModelTools };

/** What the sections and pages of models share; fetched when one of them is first shown. */
export interface IModelRoom {
  load(): Promise<ModelTools>;
  /** Call once the room was fetched. */
  whenLoaded(tell: (models: ModelTools) => void): void;
  /** The element with what views of models need around it. */
  provide(element: React.ReactElement): Promise<React.ReactElement>;
}

export const IModelRoom = new Token<IModelRoom>(
  'jupyter-mltrack:IModelRoom',
  'Registered models and endpoints as the panel knows them.'
);

const roomPlugin: JupyterFrontEndPlugin<IModelRoom> = {
  id: 'jupyter-mltrack:model-tools',
  description: 'Knows registered models and endpoints, and offers to register the model of a run.',
  autoStart: true,
  requires: [IMltrackPanel],
  provides: IModelRoom,
  activate: (_: JupyterFrontEnd, panel: IMltrackPanel) => {
    const code = new Lazy(() => import('./modelRoom'));
    const tools = new Lazy(async () => {
      const [{ makeModelTools }, { client }] = await Promise.all([code.get(), panel.load()]);
      return makeModelTools(client, panel);
    });
    const provide = async (element: React.ReactElement): Promise<React.ReactElement> => {
      const [{ ModelToolsProvider }, value] = await Promise.all([code.get(), tools.get()]);
      return React.createElement(ModelToolsProvider, { value }, element);
    };
    panel.addRunPart({
      id: REGISTER_PART,
      rank: 100,
      content: run =>
        run.models.length === 0 || run.merged
          ? null
          : React.createElement(Later<ModelRoom>, {
              load: async () => ({ ...(await code.get()), tools: await tools.get() }),
              render: ({ ModelToolsProvider, RegisterPart, tools: value }) =>
                React.createElement(
                  ModelToolsProvider,
                  { value },
                  React.createElement(RegisterPart, { run })
                )
            })
    });
    return {
      load: () => tools.get(),
      whenLoaded: tell => tools.whenMade(tell),
      provide
    };
  }
};

/** Call `begin` when the panel is first seen: what its sections watch is fetched then. */
function whenSeen(
  panel: IMltrackPanel,
  models: IModelRoom,
  begin: (tools: ModelTools, store: PanelStore) => void
): void {
  panel.whenLoaded(({ store }) => {
    const look = (): void => {
      if (store.panelVisible) {
        store.stateChanged.disconnect(look);
        models.load().then(
          tools => begin(tools, store),
          () => undefined // The section's place says so.
        );
      }
    };
    store.stateChanged.connect(look);
    look();
  });
}

/** Call `apply` now and whenever the panel or the fold of a section changes. */
function follow(store: PanelStore, section: ISection, apply: () => void): void {
  const applyHere = (): void => {
    if (section.isDisposed) {
      store.stateChanged.disconnect(applyHere);
    } else {
      apply();
    }
  };
  store.stateChanged.connect(applyHere);
  section.foldedChanged.connect(applyHere);
  applyHere();
}

const modelsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mltrack:models',
  description: 'Adds the section of registered models to the panel.',
  autoStart: true,
  requires: [IMltrackPanel, IModelRoom],
  optional: [ITranslator],
  activate: (
    _: JupyterFrontEnd,
    panel: IMltrackPanel,
    models: IModelRoom,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const section = panel.addSection({
      id: MODELS,
      title: trans.__('Models'),
      rank: MODELS_RANK,
      content: async () => {
        const { ModelsSection } = await import('./modelRoom');
        return models.provide(React.createElement(ModelsSection));
      }
    });
    whenSeen(panel, models, (tools, store) => {
      follow(store, section, () => {
        const ready = store.phase === 'ready' && store.panelVisible;
        if (ready && store.workspace !== null) {
          tools.models.show(store.workspace.id);
        }
        tools.models.setWatched(ready && !section.folded);
      });
    });
  }
};

const deploymentsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mltrack:deployments',
  description: 'Adds the section of deployed models to the panel.',
  autoStart: true,
  requires: [IMltrackPanel, IModelRoom],
  optional: [ITranslator],
  activate: (
    _: JupyterFrontEnd,
    panel: IMltrackPanel,
    models: IModelRoom,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const section = panel.addSection({
      id: DEPLOYMENTS,
      title: trans.__('Deployments'),
      rank: DEPLOYMENTS_RANK,
      content: async () => {
        const { DeploymentsSection } = await import('./modelRoom');
        return models.provide(React.createElement(DeploymentsSection));
      }
    });
    whenSeen(panel, models, (tools, store) => {
      follow(store, section, () => {
        const seen = store.phase === 'ready' && store.panelVisible;
        tools.endpoints.setWatched(seen, !section.folded);
      });
      tools.endpoints.stateChanged.connect(() => {
        section.count = tools.endpoints.serving || null;
      });
    });
  }
};

export const modelPlugins: JupyterFrontEndPlugin<unknown>[] = [
  roomPlugin,
  modelsPlugin,
  deploymentsPlugin
];
