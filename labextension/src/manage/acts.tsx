/** What the commands of Azure do: the acts of the panel's buttons, asked for in dialogs. */
import { Dialog, InputDialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import * as React from 'react';
import { AccountClient } from '../account/client';
import { useAccount } from '../account/hooks';
import { AzurePicker } from '../account/picker';
import { SignInBlock } from '../account/signInBlock';
import { AccountStore, isOpen } from '../account/store';
import { ToolsProvider, useTools } from '../panel/context';
import type { PanelTools } from '../panel/context';
import { displayName } from '../text';
import type { AccountReport, ComputeInfo, Problem, WorkspaceId } from '../types';
import type { AzureStore } from './azureStore';
import { actWord, questionOf, sizeWord, stateWord } from './words';

/** The dialog of something that closes it by itself when it is done. */
function inDialog(
  tools: PanelTools,
  title: string,
  content: (close: () => void) => React.ReactElement
): Promise<unknown> {
  const body = ReactWidget.create(
    <ToolsProvider value={tools}>{content(() => dialog.reject())}</ToolsProvider>
  );
  body.addClass('mltrack-Panel');
  body.addClass('mltrack-AzureDialog');
  const { trans } = tools;
  const buttons = [Dialog.cancelButton({ label: trans.__('Close') })];
  const dialog = new Dialog<unknown>({ title, body, buttons, hasClose: false });
  return dialog.launch();
}

function tell(tools: PanelTools, message: string, kind: 'info' | 'success' = 'info'): void {
  tools.actions().notify({ message, kind });
}

function tellProblem(tools: PanelTools, { message, hint }: Problem): void {
  tools.actions().notify({ message: `${message} ${hint}`.trim(), kind: 'error' });
}

/** The Azure workspace in front; null for another one, and for one that nobody has connected. */
function azureOf({ store }: PanelTools): WorkspaceId | null {
  const { workspace } = store;
  const waits = workspace?.health.state === 'connecting' && workspace.health.hint !== '';
  return workspace?.kind === 'azureml' && !waits ? workspace.id : null;
}

/** Ask who is signed in; what went wrong is told. */
async function accountNow(tools: PanelTools, account: AccountStore): Promise<AccountReport | null> {
  await account.load();
  if (account.problem !== null) {
    tellProblem(tools, account.problem);
  }
  return account.problem === null ? account.report : null;
}

/** Have a person sign in, unless somebody is. */
export async function signIn(tools: PanelTools): Promise<void> {
  const { client, store, trans } = tools;
  const workspace = azureOf(tools);
  const account = new AccountStore(new AccountClient(client), workspace, () => undefined);
  const report = await accountNow(tools, account);
  const lost = workspace !== null && store.workspace?.health.state === 'signed_out';
  const open = isOpen(account.signIn);
  account.dispose();
  if (report === null) {
    return;
  }
  if (report.account !== null && !lost && !open) {
    const { name, way } = report.account;
    const by = displayName(way);
    tell(tools, trans.__('Signed in to Azure already, as %1 (%2).', displayName(name), by));
    return;
  }
  await inDialog(tools, trans.__('Sign in to Azure'), close => (
    <SignInDialog workspace={workspace} again={lost} close={close} />
  ));
}

/** Begins at once; closes itself when somebody has signed in. */
function SignInDialog(props: {
  workspace: WorkspaceId | null;
  again: boolean;
  close: () => void;
}): JSX.Element {
  const tools = useTools();
  const { store, trans } = tools;
  const begun = React.useRef(false);
  const account = useAccount(props.workspace, '', () => {
    tell(tools, trans.__('Signed in to Azure.'), 'success');
    props.close();
    void store.refresh();
  });
  const report = account?.report ?? null;
  React.useEffect(() => {
    if (account !== null && report !== null && !begun.current) {
      begun.current = true;
      if (!isOpen(account.signIn)) {
        void account.begin();
      }
    }
  }, [account, report]);
  return account === null ? (
    <p>{trans.__('Asking for a code …')}</p>
  ) : (
    <SignInBlock account={account} again={props.again} />
  );
}

export async function signOut(tools: PanelTools): Promise<void> {
  const { client, store, trans } = tools;
  const account = new AccountStore(new AccountClient(client), azureOf(tools), () => {
    void store.refresh();
  });
  const found = (await accountNow(tools, account))?.account ?? null;
  if (account.problem !== null) {
    return account.dispose();
  }
  if (found === null) {
    tell(tools, trans.__('Nobody is signed in to Azure.'));
  } else if (!found.by_hand) {
    // Nothing here can end it: the variables or the tool that give it can.
    const words = [displayName(found.name), displayName(found.way)];
    tell(tools, trans.__('%1 is signed in by %2, which MLTrack cannot sign out.', ...words));
  } else {
    await account.out();
    if (account.problem === null) {
      tell(tools, trans.__('Signed out of Azure.'));
    } else {
      tellProblem(tools, account.problem);
    }
  }
  account.dispose();
}

/** Choose among the workspaces that the account sees. */
export async function chooseWorkspace(tools: PanelTools): Promise<void> {
  const title = tools.trans.__('Azure ML workspaces');
  await inDialog(tools, title, close => <AzurePicker onDone={close} />);
}

/** Start or stop a compute: the one of the name, else one that is chosen. */
export async function changeCompute(
  tools: PanelTools,
  store: AzureStore,
  act: 'start' | 'stop',
  name: string
): Promise<void> {
  const { trans } = tools;
  await store.refresh();
  if (store.problem !== null) {
    return tellProblem(tools, store.problem);
  }
  const all = store.overview?.computes ?? [];
  const can = all.filter(one => (one.acts ?? []).includes(act));
  const compute = can.find(one => one.name === name) ?? (await chosen(tools, can, act));
  if (compute === null) {
    return;
  }
  const answer = await showDialog({
    title: trans.__('%1 %2', actWord(act, trans), displayName(compute.name)),
    body: questionOf(compute, act, trans),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      act === 'stop'
        ? Dialog.warnButton({ label: actWord(act, trans) })
        : Dialog.okButton({ label: actWord(act, trans) })
    ]
  });
  if (!answer.button.accept) {
    return;
  }
  const problem = await store.change(compute.name, act);
  if (problem !== null) {
    return tellProblem(tools, problem);
  }
  const state = store.overview?.computes.find(one => one.name === compute.name)?.state ?? '';
  tell(tools, `${compute.name}: ${stateWord(state, trans)}`, 'success');
}

async function chosen(
  tools: PanelTools,
  can: readonly ComputeInfo[],
  act: 'start' | 'stop'
): Promise<ComputeInfo | null> {
  const { trans } = tools;
  if (can.length === 0) {
    tell(
      tools,
      act === 'start'
        ? trans.__('No compute of this workspace can be started now.')
        : trans.__('No compute of this workspace can be stopped now.')
    );
    return null;
  }
  const items = can.map(one =>
    [one.name, sizeWord(one.size ?? ''), stateWord(one.state, trans)]
      .filter(word => word !== '')
      .map(displayName)
      .join(' · ')
  );
  const { value } = await InputDialog.getItem({
    title: act === 'start' ? trans.__('Start which compute?') : trans.__('Stop which compute?'),
    items,
    okLabel: trans.__('Go on')
  });
  return value === null ? null : (can[items.indexOf(value)] ?? null);
}

/** The name of an endpoint of the workspace that somebody chooses. */
export async function chooseEndpoint(tools: PanelTools, store: AzureStore): Promise<string | null> {
  const { trans } = tools;
  await store.refresh();
  if (store.problem !== null) {
    tellProblem(tools, store.problem);
    return null;
  }
  const items = (store.overview?.endpoints ?? []).map(one => one.name);
  if (items.length === 0) {
    tell(tools, trans.__('No online endpoint is in this workspace.'));
    return null;
  }
  const title = trans.__('Open which endpoint?');
  return (await InputDialog.getItem({ title, items, okLabel: trans.__('Open') })).value;
}
