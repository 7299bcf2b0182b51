/** Managing Azure from the command palette; what a command does is fetched when it is used. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { PanelTools } from '../panel/context';
import { connected } from '../runCommands';
import type { IMltrackPanel } from '../token';
import type * as Acts from './acts';
import type { AzureStore } from './azureStore';

export const AzureCommandIDs = {
  signIn: 'jupyter-mltrack:azure-sign-in',
  signOut: 'jupyter-mltrack:azure-sign-out',
  chooseWorkspace: 'jupyter-mltrack:azure-choose-workspace',
  openSection: 'jupyter-mltrack:azure-open-section',
  openEndpoint: 'jupyter-mltrack:azure-open-endpoint',
  startCompute: 'jupyter-mltrack:azure-start-compute',
  stopCompute: 'jupyter-mltrack:azure-stop-compute'
} as const;

const SHOW_PANEL = 'jupyter-mltrack:show-panel';
const NO_ARGS = { args: { type: 'object', properties: {} } } as const;
const NAME = { args: { type: 'object', properties: { name: { type: 'string' } } } } as const;
type ActsModule = typeof Acts;

export interface AzureCommandParts {
  readonly app: JupyterFrontEnd;
  readonly panel: IMltrackPanel;
  readonly trans: TranslationBundle;
  readonly palette: ICommandPalette | null;
  /** What is known of the workspace in front; null where it is not of Azure ML. */
  readonly store: () => Promise<AzureStore | null>;
}

export function addAzureCommands(parts: AzureCommandParts): void {
  const { trans, palette } = parts;
  addAccount(parts);
  addSections(parts);
  addCompute(parts);
  const category = trans.__('MLTrack');
  Object.values(AzureCommandIDs).forEach(command => palette?.addItem({ command, category }));
}

/** Do something once the server has said which workspace is in front. */
async function using(
  { panel, trans }: AzureCommandParts,
  act: (acts: ActsModule, tools: PanelTools) => Promise<void>
): Promise<void> {
  const [acts, tools] = await Promise.all([import('./acts'), panel.load()]);
  if (await connected(tools)) {
    await act(acts, tools);
  } else {
    Notification.warning(trans.__('The server part of MLTrack does not answer.'));
  }
}

/** The same where the workspace in front is one of Azure ML; else says how to get to one. */
function inAzure(
  parts: AzureCommandParts,
  act: (acts: ActsModule, tools: PanelTools, store: AzureStore) => Promise<void>
): Promise<void> {
  const { trans, app } = parts;
  return using(parts, async (acts, tools) => {
    const store = await parts.store();
    if (store !== null) {
      await act(acts, tools, store);
      return;
    }
    const choose = {
      label: trans.__('Choose …'),
      callback: () => void app.commands.execute(AzureCommandIDs.chooseWorkspace)
    };
    const text = trans.__('The workspace in front is not one of Azure ML.');
    Notification.info(text, { actions: [choose], autoClose: 8000 });
  });
}

function addAccount(parts: AzureCommandParts): void {
  const { trans } = parts;
  const { commands } = parts.app;
  commands.addCommand(AzureCommandIDs.signIn, {
    label: trans.__('MLTrack: Azure: Sign in …'),
    caption: trans.__('Get a code and the page to enter it'),
    describedBy: NO_ARGS,
    execute: () => using(parts, (acts, tools) => acts.signIn(tools))
  });
  commands.addCommand(AzureCommandIDs.signOut, {
    label: trans.__('MLTrack: Azure: Sign out'),
    caption: trans.__('Forget the sign-in to Azure on this machine'),
    describedBy: NO_ARGS,
    execute: () => using(parts, (acts, tools) => acts.signOut(tools))
  });
  commands.addCommand(AzureCommandIDs.chooseWorkspace, {
    label: trans.__('MLTrack: Azure: Choose a workspace …'),
    caption: trans.__('The Azure ML workspaces that the account sees'),
    describedBy: NO_ARGS,
    execute: () => using(parts, (acts, tools) => acts.chooseWorkspace(tools))
  });
}

function addSections(parts: AzureCommandParts): void {
  const { app, panel, trans } = parts;
  const open = async (): Promise<void> => {
    await app.commands.execute(SHOW_PANEL);
    panel.openSection('azure');
  };
  app.commands.addCommand(AzureCommandIDs.openSection, {
    label: trans.__('MLTrack: Azure: Show computes and endpoints'),
    caption: trans.__('Open the section of the Azure ML workspace in the panel'),
    describedBy: NO_ARGS,
    execute: () => inAzure(parts, open)
  });
  app.commands.addCommand(AzureCommandIDs.openEndpoint, {
    label: trans.__('MLTrack: Azure: Open an endpoint …'),
    caption: trans.__('Try an online endpoint, share out its traffic, or delete it'),
    describedBy: NAME,
    execute: args =>
      inAzure(parts, async (acts, tools, store) => {
        const given = args['name'];
        const name = typeof given === 'string' ? given : await acts.chooseEndpoint(tools, store);
        if (name !== null) {
          await open();
          store.want(`e ${name}`);
        }
      })
  });
}

function addCompute(parts: AzureCommandParts): void {
  const { app, trans } = parts;
  const labels = {
    start: trans.__('MLTrack: Azure: Start a compute …'),
    stop: trans.__('MLTrack: Azure: Stop a compute …')
  };
  const add = (id: string, act: 'start' | 'stop'): void => {
    app.commands.addCommand(id, {
      label: labels[act],
      caption: trans.__('A compute instance of the workspace, after a question'),
      describedBy: NAME,
      execute: ({ name }) =>
        inAzure(parts, (acts, tools, store) =>
          acts.changeCompute(tools, store, act, typeof name === 'string' ? name : '')
        )
    });
  };
  add(AzureCommandIDs.startCompute, 'start');
  add(AzureCommandIDs.stopCompute, 'stop');
}
