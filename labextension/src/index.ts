/** The plugins: the panel with its token, and our own sections, added as anybody would. */
import { ILayoutRestorer } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';
import { Client } from './client';
import { addCommands, CommandIDs } from './commands';
import { LiveSection } from './panel/liveSection';
import { MltrackPanel } from './panel/panel';
import { RunsSection } from './panel/runsSection';
import { applySettings } from './settings';
import { PanelStore } from './store/panelStore';
import { IMltrackPanel } from './token';

export { IMltrackPanel } from './token';
export type { ISection, ISectionOptions } from './token';

const DOMAIN = 'jupyter_mltrack';
const LIVE_RANK = 100;
const RUNS_RANK = 200;
/** Below the file browser, the running kernels and the table of contents. */
const SIDEBAR_RANK = 450;

const panelPlugin: JupyterFrontEndPlugin<IMltrackPanel> = {
  id: 'jupyter-mltrack:panel',
  description: 'Shows tracked runs: live, and those of before.',
  autoStart: true,
  provides: IMltrackPanel,
  optional: [
    ILayoutRestorer,
    IStateDB,
    ITranslator,
    INotebookTracker,
    ICommandPalette,
    ISettingRegistry
  ],
  activate: activatePanel
};

function activatePanel(
  app: JupyterFrontEnd,
  restorer: ILayoutRestorer | null,
  state: IStateDB | null,
  translator: ITranslator | null,
  notebooks: INotebookTracker | null,
  palette: ICommandPalette | null,
  settings: ISettingRegistry | null
): IMltrackPanel {
  const { serviceManager, commands } = app;
  const trans = (translator ?? nullTranslator).load(DOMAIN);
  const store = new PanelStore(new Client(serviceManager.serverSettings), serviceManager.events);
  const tools = {
    store,
    trans,
    language: (translator?.languageCode ?? 'en').replace('_', '-'),
    actions: () => ({
      insertTrackCell: commands.isEnabled(CommandIDs.insertCell)
        ? () => void commands.execute(CommandIDs.insertCell)
        : null,
      sync: () => void commands.execute(CommandIDs.sync)
    })
  };
  const panel = new MltrackPanel(tools, state);
  addCommands({ app, panelId: panel.id, store, trans, notebooks, palette });
  if (notebooks !== null) {
    followNotebook(app, notebooks, store);
  }
  if (settings !== null) {
    void applySettings(settings, panelPlugin.id, store);
  }
  void panel.restore();
  app.shell.add(panel, 'left', { rank: SIDEBAR_RANK, type: 'MLTrack' });
  restorer?.add(panel, panel.id);
  return panel;
}

/** The workspace of the notebook in front is the current one. */
function followNotebook(
  app: JupyterFrontEnd,
  notebooks: INotebookTracker,
  store: PanelStore
): void {
  const tell = (): void => {
    const path = notebooks.currentWidget?.context.path ?? null;
    store.setPath(path === null ? null : app.serviceManager.contents.localPath(path));
    store.stateChanged.emit(); // What can be done to a notebook may have changed.
  };
  notebooks.currentChanged.connect(tell);
  notebooks.widgetAdded.connect((_, widget) => {
    widget.context.pathChanged.connect(tell);
  });
  tell();
}

const livePlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mltrack:live',
  description: 'Adds the section of running runs to the panel.',
  autoStart: true,
  requires: [IMltrackPanel],
  optional: [ITranslator],
  activate: (_: JupyterFrontEnd, panel: IMltrackPanel, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const section = panel.addSection({
      id: 'live',
      title: trans.__('Live'),
      rank: LIVE_RANK,
      content: () => React.createElement(LiveSection)
    });
    const { live } = panel.store;
    live.stateChanged.connect(() => {
      section.count = live.running.length || null;
    });
  }
};

const runsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mltrack:runs',
  description: 'Adds the section of recent runs to the panel.',
  autoStart: true,
  requires: [IMltrackPanel],
  optional: [ITranslator],
  activate: (_: JupyterFrontEnd, panel: IMltrackPanel, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    panel.addSection({
      id: 'runs',
      title: trans.__('Runs'),
      rank: RUNS_RANK,
      fills: true,
      content: () => React.createElement(RunsSection)
    });
  }
};

const plugins: JupyterFrontEndPlugin<unknown>[] = [panelPlugin, livePlugin, runsPlugin];

export default plugins;
