/** What stands around every page: why the server cannot be used, where that is so. */
import * as React from 'react';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import { Notice } from '../panel/notice';

export function PageFrame(props: { children: React.ReactNode }): JSX.Element {
  const { store } = useTools();
  useModel(store);
  // A server that is not ours leaves nothing to show; offline, what was there stays to be read.
  const foreign = store.phase === 'missing' || store.phase === 'mismatch';
  return (
    <>
      <Notice />
      {!foreign && props.children}
    </>
  );
}
