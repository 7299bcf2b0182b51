/** The plugins: the panel with its token, and our own sections, added as anybody would. */
import { ILayoutRestorer } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';
import { makeActions } from './actions';
import { addCommands } from './commands';
import { cellViewPlugin, placesPlugin } from './lab/plugin';
import { Lazy } from './lazy';
import { jobsPlugin } from './jobPlugin';
import { modelPlugins } from './modelPlugins';
import { pagesPlugin } from './pages/plugin';
import { azurePlugin } from './manage/plugin';
import { MltrackPanel } from './panel/panel';
import { RunParts } from './panel/runParts';
import { SettingsModel } from './settings';
import type { PanelStore } from './store/panelStore';
import { IMltrackPanel } from './token';

export { IMltrackPanel } from './token';
export type { IRunPart, ISection, ISectionOptions } from './token';

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
    ISettingRegistry,
    IEditorLanguageRegistry
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
  registry: ISettingRegistry | null,
  languages: IEditorLanguageRegistry | null
): IMltrackPanel {
  const { serviceManager } = app;
  const trans = (translator ?? nullTranslator).load(DOMAIN);
  const settings = new SettingsModel();
  const runParts = new RunParts();
  const room = new Lazy(() => import('./room'));
  const tools = new Lazy(async () => {
    const { makeTools } = await room.get();
    return makeTools({
      serverSettings: serviceManager.serverSettings,
      events: serviceManager.events,
      trans,
      language: (translator?.languageCode ?? 'en').replace('_', '-'),
      settings,
      memory: state,
      runParts,
      actions: () => makeActions(app, trans),
      highlight:
        languages === null
          ? null
          : (code, language, place) =>
              languages.highlight(code, languages.findBest(language), place)
    });
  });
  const panel = new MltrackPanel({
    tools,
    runParts,
    settings,
    trans,
    state,
    header: async () => (await room.get()).Header,
    notice: async () => (await room.get()).Notice
  });
  addCommands({ app, panel, trans, notebooks, palette });
  if (notebooks !== null) {
    tools.whenMade(({ store }) => followNotebook(app, notebooks, store));
  }
  if (registry !== null) {
    void settings.follow(registry, panelPlugin.id);
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
      content: async () => React.createElement((await import('./room')).LiveSection)
    });
    panel.whenLoaded(({ store: { live } }) => {
      live.stateChanged.connect(() => {
        section.count = live.running.length || null;
      });
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
      content: async () => React.createElement((await import('./room')).RunsSection)
    });
  }
};

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  panelPlugin,
  livePlugin,
  runsPlugin,
  jobsPlugin,
  ...modelPlugins,
  azurePlugin,
  pagesPlugin,
  placesPlugin,
  cellViewPlugin
];

export default plugins;
