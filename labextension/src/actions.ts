/** What the panel and its pages do beyond showing, with the means of the application. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { KernelAPI } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import { CommandIDs } from './commands';
import { OPEN_PAGE, plainArgs, queryOf } from './pages/door';
import type { PanelActions, Said } from './panel/context';
import { displayName } from './text';

const OPEN_DOCUMENT = 'docmanager:open';
const OPEN_SETTINGS = 'settingeditor:open';
const UNDO_MS = 20_000;
const SHORT_MS = 3000;

export function makeActions(app: JupyterFrontEnd, trans: TranslationBundle): PanelActions {
  const { commands, serviceManager } = app;
  const has = (command: string): boolean => commands.hasCommand(command);
  const run = (command: string, args = {}): void => void commands.execute(command, args);
  return {
    insertTrackCell: commands.isEnabled(CommandIDs.insertCell)
      ? () => run(CommandIDs.insertCell)
      : null,
    insertSource: has(CommandIDs.insertSource)
      ? source => run(CommandIDs.insertSource, { source })
      : null,
    sync: () => run(CommandIDs.sync),
    openPage: (kind, args) => run(OPEN_PAGE, plainArgs({ kind, args })),
    linkOf: (kind, args) => {
      const base = URLExt.join(PageConfig.getBaseUrl(), PageConfig.getOption('appUrl') || 'lab');
      return `${base}?${queryOf({ kind, args })}`;
    },
    copy: text => copy(text, trans),
    openNotebook: has(OPEN_DOCUMENT)
      ? (path, cellId) => void openNotebook(app, path, cellId, trans)
      : null,
    notify: said => notify(said, trans),
    openSettings: has(OPEN_SETTINGS) ? () => run(OPEN_SETTINGS, { query: 'MLTrack' }) : null,
    interrupt: kernelId => KernelAPI.interruptKernel(kernelId, serviceManager.serverSettings)
  };
}

function copy(text: string, trans: TranslationBundle): void {
  // Pages that are not served over TLS may have no clipboard.
  const written = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('no clipboard'));
  written.then(
    () => Notification.success(trans.__('Copied'), { autoClose: SHORT_MS }),
    () => Notification.warning(trans.__('The browser does not let this page copy.'))
  );
}

function notify(said: Said, trans: TranslationBundle): void {
  const { message, undo, kind = 'success' } = said;
  Notification.emit(displayName(message), kind, {
    autoClose: undo === undefined ? SHORT_MS : UNDO_MS,
    actions: undo === undefined ? [] : [{ label: trans.__('Undo'), callback: () => undo() }]
  });
}

function isNotebook(widget: unknown): widget is NotebookPanel {
  return (
    typeof widget === 'object' && widget !== null && 'content' in widget && 'context' in widget
  );
}

async function openNotebook(
  app: JupyterFrontEnd,
  path: string,
  cellId: string,
  trans: TranslationBundle
): Promise<void> {
  let widget: unknown;
  try {
    widget = await app.commands.execute(OPEN_DOCUMENT, { path });
  } catch {
    widget = null;
  }
  if (!isNotebook(widget)) {
    const shown = displayName(path);
    Notification.warning(trans.__('The notebook %1 could not be opened.', shown));
    return;
  }
  await widget.context.ready;
  const { content } = widget;
  const index = content.widgets.findIndex(cell => cell.model.id === cellId);
  if (index >= 0) {
    content.activeCellIndex = index;
    await content.scrollToItem(index, 'center');
  } else if (cellId !== '') {
    Notification.info(trans.__('The cell is not in the notebook any more.'), {
      autoClose: SHORT_MS
    });
  }
}
