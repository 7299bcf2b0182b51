/** Below the state of an Azure ML workspace: who is signed in, or how to sign in. */
import * as React from 'react';
import { Name } from '../panel/bits';
import { useTools } from '../panel/context';
import type { Pair, WorkspaceInfo } from '../types';
import { displayName } from '../text';
import { useAccount } from './hooks';
import { SignInBlock } from './signInBlock';
import { isOpen } from './store';

export function AccountLine(props: { workspace: WorkspaceInfo }): JSX.Element | null {
  const { store, trans, actions } = useTools();
  const { workspace } = props;
  const { state } = workspace.health;
  const account = useAccount(workspace.id, state, () => void store.refresh());
  if (account === null || account.report === null) {
    return null;
  }
  const found = account.report.account;
  const signedOut = found === null || state === 'signed_out';
  if (signedOut || isOpen(account.signIn)) {
    return (
      <>
        <SignInBlock account={account} again={state === 'signed_out' && found !== null} />
        {!isOpen(account.signIn) && <Tried tried={account.report.tried} />}
      </>
    );
  }
  const memory =
    found.kept === 'memory'
      ? trans.__('The sign-in is kept in memory until the machine starts anew.')
      : '';
  const signOut = async (): Promise<void> => {
    await account.out();
    actions().notify({ message: trans.__('Signed out of Azure.'), kind: 'info' });
  };
  return (
    <div className="mltrack-Account" title={memory === '' ? undefined : memory}>
      <span className="mltrack-Account-label">{trans.__('account')}</span>
      <Name text={found.name} className="mltrack-Account-name" />
      {found.by_hand ? (
        <button
          type="button"
          className="mltrack-Link"
          disabled={account.busy}
          onClick={() => void signOut()}
        >
          {trans.__('Sign out')}
        </button>
      ) : (
        <span className="mltrack-Account-way" title={displayName(found.way)}>
          {displayName(found.way)}
        </span>
      )}
    </div>
  );
}

/** What the server tried by itself; folded, for whoever expected one of the ways to work. */
function Tried(props: { tried: readonly Pair[] }): JSX.Element | null {
  const { trans } = useTools();
  return props.tried.length === 0 ? null : (
    <details className="mltrack-Tried">
      <summary>{trans.__('What was tried')}</summary>
      <ul>
        {props.tried.map(one => (
          <li key={one.key}>{`${displayName(one.key)}: ${displayName(one.value)}`}</li>
        ))}
      </ul>
    </details>
  );
}
