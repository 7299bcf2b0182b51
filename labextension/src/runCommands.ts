/** Commands about runs: their pages, and stopping one. */
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { KernelAPI } from '@jupyterlab/services';
import { PromiseDelegate } from '@lumino/coreutils';
import type { CommandParts } from './commands';
import { MOST_COMPARED } from './pages/door';
import type { PanelTools } from './panel/context';
import { displayName } from './text';
import type { LiveRun, RunSummary } from './types';

export const RunCommandIDs = {
  openTable: 'jupyter-mltrack:open-table',
  openNewest: 'jupyter-mltrack:open-newest-run',
  compareSelected: 'jupyter-mltrack:compare-selected',
  stopRun: 'jupyter-mltrack:stop-run'
} as const;

/** How long a command waits for the server before it says that it does not answer. */
const LONGEST_WAIT_MS = 60_000;
const NO_ARGS = { args: { type: 'object', properties: {} } } as const;

export function addRunCommands(parts: CommandParts): void {
  const { app, panel, trans } = parts;
  const { commands } = app;
  commands.addCommand(RunCommandIDs.openTable, {
    label: trans.__('MLTrack: Open the table of runs'),
    caption: trans.__('All runs of the experiment in the main area'),
    describedBy: NO_ARGS,
    execute: async () => openTable(await panel.load())
  });
  commands.addCommand(RunCommandIDs.openNewest, {
    label: trans.__('MLTrack: Open the newest run'),
    caption: trans.__('The page of the run that began last'),
    describedBy: NO_ARGS,
    execute: async () => openNewest(await panel.load())
  });
  commands.addCommand(RunCommandIDs.compareSelected, {
    label: trans.__('MLTrack: Compare selected runs'),
    caption: trans.__('The runs that are checked in the panel, side by side'),
    describedBy: NO_ARGS,
    execute: async () => compareSelected(await panel.load())
  });
  commands.addCommand(RunCommandIDs.stopRun, {
    label: trans.__('MLTrack: Stop a running run …'),
    caption: trans.__('Interrupt the cell that runs, after a question'),
    describedBy: NO_ARGS,
    execute: async () => stopRun(parts, await panel.load())
  });
}

/** Have the store know its workspace, as if somebody looked; false when the server does not say. */
export async function connected(tools: PanelTools): Promise<boolean> {
  const { store } = tools;
  const look = store.look();
  const settled = new PromiseDelegate<void>();
  const check = (): void => {
    if (store.phase !== 'idle' && store.phase !== 'connecting') {
      settled.resolve();
    }
  };
  const timer = setTimeout(() => settled.resolve(), LONGEST_WAIT_MS);
  store.stateChanged.connect(check);
  check();
  await settled.promise;
  clearTimeout(timer);
  store.stateChanged.disconnect(check);
  look.dispose();
  return store.workspace !== null;
}

async function openTable(tools: PanelTools): Promise<void> {
  const { store, trans } = tools;
  if ((await connected(tools)) && store.workspace !== null) {
    const { id: workspace } = store.workspace;
    tools.actions().openPage('runs', { workspace, experiment: store.experimentId });
  } else {
    Notification.warning(trans.__('The server part of MLTrack does not answer.'));
  }
}

async function openNewest(tools: PanelTools): Promise<void> {
  const { trans } = tools;
  const newest = await newestRun(tools);
  if (newest === null) {
    Notification.info(trans.__('No run is there yet.'), { autoClose: 3000 });
  } else {
    const { workspace_id: workspace, run_id } = newest;
    tools.actions().openPage('run', { workspace, runIds: [run_id] });
  }
}

/** What runs here and began last, else the first of the workspace's list. */
async function newestRun(tools: PanelTools): Promise<RunSummary | null> {
  const { store, client } = tools;
  if (!(await connected(tools)) || store.workspace === null) {
    return null;
  }
  const { signal } = new AbortController();
  const workspace = store.workspace.id;
  const query = { workspace, experiment: null, search: '', pageToken: null, limit: 1 };
  const { runs } = await client.runs(query, signal);
  const live = store.live.runs.map(({ summary }) => summary);
  const own = live.filter(run => run.workspace_id === workspace);
  const [newest = null] = [...own, ...runs].sort((a, b) => b.start_ms - a.start_ms);
  return newest;
}

function compareSelected(tools: PanelTools): void {
  const { store, trans } = tools;
  const { workspace } = store;
  const runIds = [...store.runs.selected].slice(0, MOST_COMPARED);
  if (workspace === null || runIds.length < 2) {
    Notification.info(trans.__('Check two runs or more in the panel first.'), { autoClose: 4000 });
  } else {
    tools.actions().openPage('compare', { workspace: workspace.id, runIds });
  }
}

/** The run of the notebook in front, else the one that began last. */
async function stopRun(parts: CommandParts, tools: PanelTools): Promise<void> {
  const { trans, notebooks, app } = parts;
  await tools.store.live.refresh();
  const run = toStop(tools, notebooks?.currentWidget?.context.path ?? '');
  if (run === null) {
    const text = trans.__('No run of a kernel of this server is running.');
    Notification.info(text, { autoClose: 4000 });
    return;
  }
  const name = displayName(run.summary.name);
  const answer = await showDialog({
    title: trans.__('Stop %1?', name),
    body: trans.__('Its kernel is interrupted; what was logged so far is kept.'),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Let it run') }),
      Dialog.warnButton({ label: trans.__('Stop') })
    ]
  });
  if (!answer.button.accept) {
    return;
  }
  try {
    await KernelAPI.interruptKernel(run.kernel_id, app.serviceManager.serverSettings);
  } catch {
    Notification.error(trans.__('%1 could not be stopped: its kernel does not answer.', name));
  }
}

function toStop(tools: PanelTools, path: string): LiveRun | null {
  const running = tools.store.live.running
    .filter(run => run.kernel_id !== '')
    .sort((a, b) => b.summary.start_ms - a.summary.start_ms);
  return running.find(run => run.notebook_path === path) ?? running[0] ?? null;
}
