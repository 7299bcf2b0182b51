/**
 * Chips beside cells, the item of the status bar, and alerts. All of it sleeps until there is
 * something to show: a run of ours makes itself heard, or a notebook with tracked cells is in front.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker, NotebookActions } from '@jupyterlab/notebook';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { IMltrackPanel } from '../token';
import { NUDGE_SCHEMA_ID } from '../wire';
import { noteRun, runOfCell } from './cellRun';
import { LiveOutput, RUN_MIME } from './liveOutput';
import type { Places } from './places';

const TRACKED = /^\s*%%track\b/m;

export const placesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mltrack:places',
  description: 'Shows runs beside their cells and in the status bar, and tells of alerts.',
  autoStart: true,
  requires: [IMltrackPanel],
  optional: [INotebookTracker, IStatusBar],
  activate: activatePlaces
};

export const cellViewPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mltrack:cell-view',
  description: 'Draws the run of a tracked cell in the output of the cell while it runs.',
  autoStart: true,
  requires: [IMltrackPanel],
  optional: [IRenderMimeRegistry, ITranslator],
  activate: (
    _: JupyterFrontEnd,
    panel: IMltrackPanel,
    rendermime: IRenderMimeRegistry | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_mltrack');
    const createRenderer = (): LiveOutput => new LiveOutput(panel, trans);
    // Before HTML, which stands beside it for pages that cannot draw it.
    rendermime?.addFactory({ safe: true, mimeTypes: [RUN_MIME], createRenderer }, 0);
  }
};

function activatePlaces(
  app: JupyterFrontEnd,
  panel: IMltrackPanel,
  notebooks: INotebookTracker | null,
  statusBar: IStatusBar | null
): void {
  let places: Promise<Places> | null = null;
  const wake = (): void => {
    places ??= begin(app, panel, notebooks, statusBar);
    places.catch(() => {
      places = null; // The server is away: the next sign of life tries again.
    });
  };
  const { stream } = app.serviceManager.events;
  stream.connect((_, emission) => {
    if (emission.schema_id === NUDGE_SCHEMA_ID) {
      wake();
    }
  });
  panel.whenLoaded(wake);
  NotebookActions.executed.connect((_, { cell }) => {
    if (!cell.isDisposed) {
      noteRun(cell.model);
    }
  });
  if (notebooks !== null) {
    const look = (): void => void wakeIfTracked(notebooks.currentWidget, wake);
    notebooks.currentChanged.connect(look);
    look();
  }
}

async function begin(
  app: JupyterFrontEnd,
  panel: IMltrackPanel,
  notebooks: INotebookTracker | null,
  statusBar: IStatusBar | null
): Promise<Places> {
  const [{ openPlaces }, tools] = await Promise.all([import('./places'), panel.load()]);
  return openPlaces({ app, tools, settings: panel.settings, notebooks, statusBar });
}

async function wakeIfTracked(notebook: NotebookPanel | null, wake: () => void): Promise<void> {
  if (notebook === null) {
    return;
  }
  await notebook.context.ready;
  const cells = notebook.isDisposed ? [] : [...(notebook.content.model?.cells ?? [])];
  if (cells.some(cell => runOfCell(cell) !== null || TRACKED.test(cell.sharedModel.getSource()))) {
    wake();
  }
}
