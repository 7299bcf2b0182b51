/** What stands in place of the sections while the server cannot be used. */
import * as React from 'react';
import { useTools } from './context';
import { useModel } from './hooks';

export function Notice(): JSX.Element | null {
  const { store, trans } = useTools();
  useModel(store);
  switch (store.phase) {
    case 'idle':
    case 'connecting':
    case 'ready':
      return null;
    case 'missing':
      return (
        <NoticeView
          message={trans.__('The server part of MLTrack is not running.')}
          hint={trans.__(
            'Install %1 beside Jupyter, then restart the Jupyter server and reload this page.',
            'jupyter_mltrack'
          )}
        />
      );
    case 'mismatch':
      return (
        <NoticeView
          message={trans.__('This page and the server are of different versions.')}
          hint={trans.__('Reload the page; if that does not help, restart the Jupyter server.')}
          action={
            <button
              type="button"
              className="mltrack-Button"
              onClick={() => window.location.reload()}
            >
              {trans.__('Reload')}
            </button>
          }
        />
      );
    case 'offline':
      return (
        <NoticeView
          message={trans.__('The Jupyter server does not answer.')}
          hint={trans.__('The panel goes on by itself when it is back.')}
        />
      );
  }
}

function NoticeView(props: { message: string; hint: string; action?: JSX.Element }): JSX.Element {
  return (
    <div className="mltrack-Notice" role="alert">
      <p className="mltrack-Problem-message">{props.message}</p>
      <p className="mltrack-Problem-hint">{props.hint}</p>
      {props.action}
    </div>
  );
}
