/** One store of accounts for as long as a view shows it. */
import * as React from 'react';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import type { WorkspaceId } from '../types';
import { AccountClient } from './client';
import { accountChanged, AccountStore } from './store';

/** Asks who is signed in; `occasion` changes when that is to be asked anew. */
export function useAccount(
  workspace: WorkspaceId | null,
  occasion: string,
  onSignedIn: () => void
): AccountStore | null {
  const { client } = useTools();
  const [store, setStore] = React.useState<AccountStore | null>(null);
  const signedIn = React.useRef(onSignedIn);
  signedIn.current = onSignedIn;
  React.useEffect(() => {
    const made = new AccountStore(new AccountClient(client), workspace, () => signedIn.current());
    const hear = (_: object, from: AccountStore): void => {
      if (from !== made) {
        void made.load();
      }
    };
    accountChanged.connect(hear);
    setStore(made);
    return () => {
      accountChanged.disconnect(hear);
      made.dispose();
    };
  }, [client, workspace]);
  React.useEffect(() => {
    void store?.load();
  }, [store, occasion]);
  useModel(store);
  return store;
}
