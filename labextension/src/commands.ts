/** What the panel does to notebooks and shipping, as commands of the palette. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { ICommandPalette } from '@jupyterlab/apputils';
import { NotebookActions } from '@jupyterlab/notebook';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { formatCount } from './format';
import { mltrackIcon } from './panel/icons';
import { addRunCommands, RunCommandIDs } from './runCommands';
import { snippets } from './snippets';
import type { Snippet } from './snippets';
import type { PanelStore } from './store/panelStore';
import { displayName } from './text';
import type { IMltrackPanel } from './token';

export const CommandIDs = {
  showPanel: 'jupyter-mltrack:show-panel',
  insertCell: 'jupyter-mltrack:insert-cell',
  trackCell: 'jupyter-mltrack:track-cell',
  insertSnippet: 'jupyter-mltrack:insert-snippet',
  insertSource: 'jupyter-mltrack:insert-source',
  sync: 'jupyter-mltrack:sync'
} as const;

const MAGIC = '%%track';
const LOAD = '%load_ext jupyter_mltrack';

const SAMPLE = `${MAGIC}
import time

import jupyter_mltrack

for step in range(200):
    jupyter_mltrack.log({"loss": 1 / (step + 1)}, step=step)
    time.sleep(0.05)
`;

export interface CommandParts {
  readonly app: JupyterFrontEnd;
  readonly panel: IMltrackPanel & { readonly id: string };
  readonly trans: TranslationBundle;
  readonly notebooks: INotebookTracker | null;
  readonly palette: ICommandPalette | null;
}

export function addCommands(parts: CommandParts): void {
  const { app, panel, trans, notebooks, palette } = parts;
  const { commands } = app;
  commands.addCommand(CommandIDs.showPanel, {
    label: trans.__('MLTrack: Show panel'),
    caption: trans.__('Show the panel of tracked runs'),
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => {
      app.shell.activateById(panel.id);
      // Once more when the palette, which gives the focus back to where it was, has closed.
      setTimeout(() => app.shell.activateById(panel.id), 0);
    }
  });
  commands.addCommand(CommandIDs.trackCell, {
    label: trans.__('MLTrack: Track this cell'),
    caption: trans.__('Put %1 at the top of the active cell', MAGIC),
    icon: args => (args['toolbar'] === true ? mltrackIcon : undefined),
    describedBy: { args: { type: 'object', properties: { toolbar: { type: 'boolean' } } } },
    isEnabled: () => notebooks?.activeCell?.model.type === 'code',
    isVisible: args => args['toolbar'] !== true || canTrack(notebooks),
    execute: () => trackCell(notebooks, trans)
  });
  commands.addCommand(CommandIDs.insertCell, {
    label: trans.__('MLTrack: Insert a tracked cell'),
    caption: trans.__('Insert a cell that begins with %1', MAGIC),
    describedBy: { args: { type: 'object', properties: {} } },
    isEnabled: () => (notebooks?.currentWidget ?? null) !== null,
    execute: () => insertCell(notebooks?.currentWidget ?? null)
  });
  commands.addCommand(CommandIDs.sync, {
    label: trans.__('MLTrack: Send what waits now'),
    caption: trans.__('Send what waits to the workspace now'),
    describedBy: { args: { type: 'object', properties: {} } },
    execute: async () => sync((await panel.load()).store, trans)
  });
  addSnippets(parts);
  addSource(parts);
  addRunCommands(parts);
  const category = trans.__('MLTrack');
  const { insertSnippet } = CommandIDs;
  const given: readonly string[] = [insertSnippet, CommandIDs.insertSource]; // want arguments
  Object.values({ ...CommandIDs, ...RunCommandIDs })
    .filter(command => !given.includes(command))
    .forEach(command => palette?.addItem({ command, category }));
  snippets(trans).forEach(({ id }) =>
    palette?.addItem({ command: insertSnippet, category, args: { snippet: id } })
  );
}

function addSnippets(parts: CommandParts): void {
  const { app, trans, notebooks } = parts;
  const all = snippets(trans);
  const asked = (args: ReadonlyPartialJSONObject): Snippet | undefined =>
    all.find(({ id }) => id === args['snippet']);
  app.commands.addCommand(CommandIDs.insertSnippet, {
    label: args => trans.__('MLTrack: Insert: %1', asked(args)?.title ?? trans.__('Snippet')),
    caption: trans.__('Put lines into the active cell, or into a new one below it'),
    describedBy: {
      args: {
        type: 'object',
        properties: { snippet: { type: 'string', enum: all.map(({ id }) => id) } },
        required: ['snippet']
      }
    },
    isEnabled: () => (notebooks?.currentWidget ?? null) !== null,
    execute: args => {
      const panel = notebooks?.currentWidget ?? null;
      const snippet = asked(args);
      if (panel !== null && panel.content.model !== null && snippet !== undefined) {
        insertBelow(panel, snippet.source);
        panel.content.activate();
      }
    }
  });
}

/** Not in the palette: whoever has a source gives it. */
function addSource(parts: CommandParts): void {
  const { app, trans, notebooks } = parts;
  app.commands.addCommand(CommandIDs.insertSource, {
    label: trans.__('MLTrack: Put the source of a run into a new cell'),
    describedBy: {
      args: { type: 'object', properties: { source: { type: 'string' } }, required: ['source'] }
    },
    execute: args => {
      const panel = notebooks?.currentWidget ?? null;
      const { source } = args;
      if (panel === null || panel.content.model === null || typeof source !== 'string') {
        const text = trans.__('Open a notebook first: the source goes into a new cell of it.');
        Notification.info(text, { autoClose: 4000 });
        return;
      }
      insertBelow(panel, source);
      app.shell.activateById(panel.id);
      panel.content.activate();
    }
  });
}

/** True for a code cell that is not tracked yet. */
function canTrack(notebooks: INotebookTracker | null): boolean {
  const model = notebooks?.activeCell?.model;
  return model?.type === 'code' && !/^\s*%%/.test(model.sharedModel.getSource());
}

function trackCell(notebooks: INotebookTracker | null, trans: TranslationBundle): void {
  const cell = notebooks?.activeCell;
  if (cell === null || cell === undefined || cell.model.type !== 'code') {
    return;
  }
  const shared = cell.model.sharedModel;
  const source = shared.getSource();
  if (/^\s*%%track\b/.test(source)) {
    return;
  }
  if (/^\s*%%/.test(source)) {
    Notification.warning(
      trans.__('The cell begins with another magic: %1 must be the first line.', MAGIC)
    );
    return;
  }
  shared.setSource(`${MAGIC}\n${source}`);
}

function insertCell(panel: NotebookPanel | null): void {
  if (panel === null || panel.content.model === null) {
    return;
  }
  const notebook = panel.content;
  const sources = notebook.widgets.map(cell => cell.model.sharedModel.getSource());
  if (!sources.some(source => source.includes(LOAD))) {
    insertBelow(panel, LOAD);
  }
  insertBelow(panel, SAMPLE);
  notebook.activate();
}

/** A new cell, or the active one when nothing is in it. */
function insertBelow(panel: NotebookPanel, source: string): void {
  const notebook = panel.content;
  const active = notebook.activeCell;
  const blank = active?.model.type === 'code' && active.model.sharedModel.getSource().trim() === '';
  if (!blank) {
    NotebookActions.insertBelow(notebook);
  }
  notebook.activeCell?.model.sharedModel.setSource(source.trimEnd());
}

async function sync(store: PanelStore, trans: TranslationBundle): Promise<void> {
  const answer = await store.sync();
  if ('code' in answer) {
    Notification.error(`${displayName(answer.message)}\n${displayName(answer.hint)}`);
    return;
  }
  const [problem] = answer.problems;
  if (problem !== undefined) {
    Notification.warning(`${displayName(problem.message)}\n${displayName(problem.hint)}`);
  } else {
    const sent = formatCount(answer.shipped_points);
    Notification.success(
      answer.waiting_points === 0
        ? trans.__('Everything is sent (%1 points just now).', sent)
        : trans.__('%1 points sent, %2 still wait.', sent, formatCount(answer.waiting_points)),
      { autoClose: 3000 }
    );
  }
}
