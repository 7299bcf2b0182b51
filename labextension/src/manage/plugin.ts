/** The section of Azure: there while the workspace in front is one of Azure ML. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';
import { Lazy } from '../lazy';
import { IModelRoom } from '../modelPlugins';
import type { PanelTools } from '../panel/context';
import { IMltrackPanel } from '../token';
import type { ISection } from '../token';
import type { AzureStore } from './azureStore';
import { addAzureCommands } from './commands';

const DOMAIN = 'jupyter_mltrack';
const AZURE = 'azure';
const AZURE_RANK = 500;

/** The section, while there is one, and what it shows. */
class Shown {
  private section: ISection | null = null;
  private store: AzureStore | null = null;
  private readonly code = new Lazy(() => import('./room'));

  constructor(
    private readonly panel: IMltrackPanel,
    private readonly tools: PanelTools,
    private readonly models: IModelRoom,
    private readonly title: string
  ) {}

  /** Bring the section in line with the workspace in front and with what can be seen. */
  follow(): void {
    const { store } = this.tools;
    const isAzure = store.workspace?.kind === 'azureml';
    if (isAzure && this.section === null) {
      this.add();
    } else if (!isAzure && this.section !== null) {
      this.section.dispose();
      this.section = null;
      this.store?.setWatched(false);
      this.store?.show(null);
    }
    this.look();
  }

  /** What is known of the workspace in front; null where it is not of Azure ML. */
  async inFront(): Promise<AzureStore | null> {
    this.follow();
    return this.section === null ? null : this.known();
  }

  private async known(): Promise<AzureStore> {
    const { makeStore } = await this.code.get();
    const store = (this.store ??= this.watch(makeStore(this.tools.client)));
    this.look();
    return store;
  }

  private add(): void {
    this.section = this.panel.addSection({
      id: AZURE,
      title: this.title,
      rank: AZURE_RANK,
      content: async () => {
        const { AzureSection } = await this.code.get();
        const store = await this.known();
        return this.models.provide(React.createElement(AzureSection, { store }));
      }
    });
    this.section.foldedChanged.connect(() => this.look());
  }

  private watch(store: AzureStore): AzureStore {
    store.stateChanged.connect(() => {
      if (this.section !== null && !this.section.isDisposed) {
        this.section.count = store.costing || null;
      }
    });
    return store;
  }

  private look(): void {
    const { store } = this.tools;
    const seen = store.phase === 'ready' && store.panelVisible;
    if (this.section !== null && this.store !== null) {
      this.store.show(store.workspace?.id ?? null);
      this.store.heard(store.workspace?.health.state ?? '');
      this.store.setWatched(seen && !this.section.folded);
    }
  }
}

export const azurePlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mltrack:azure',
  description: 'Adds the section of an Azure ML workspace: computes, endpoints, what costs money.',
  autoStart: true,
  requires: [IMltrackPanel, IModelRoom],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    panel: IMltrackPanel,
    models: IModelRoom,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    let shown: Shown | null = null;
    const store = async (): Promise<AzureStore | null> => (await shown?.inFront()) ?? null;
    addAzureCommands({ app, panel, trans, palette, store });
    panel.whenLoaded(tools => {
      const made = new Shown(panel, tools, models, trans.__('Azure'));
      shown = made;
      tools.store.stateChanged.connect(() => made.follow());
      made.follow();
    });
  }
};
