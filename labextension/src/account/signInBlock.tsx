/** What a person does to sign in: a code, the page to enter it, the time that is left. */
import * as React from 'react';
import { formatDuration } from '../format';
import { ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { useTick } from '../panel/hooks';
import { displayName } from '../text';
import type { SignIn } from '../types';
import { isOpen } from './store';
import type { AccountStore } from './store';

const TICK_MS = 1000;

/** The button that begins, then the code; nothing while somebody is signed in. */
export function SignInBlock(props: { account: AccountStore; again: boolean }): JSX.Element {
  const { trans } = useTools();
  const { account, again } = props;
  const { signIn } = account;
  if (signIn !== null && isOpen(signIn)) {
    return <OpenSignIn account={account} signIn={signIn} />;
  }
  const ended = signIn !== null && signIn.message !== '' ? displayName(signIn.message) : null;
  return (
    <div className="mltrack-SignIn">
      {ended !== null && (
        <p className="mltrack-SignIn-words" role="alert">
          {ended}
        </p>
      )}
      {account.problem !== null && <ProblemView problem={account.problem} />}
      <button
        type="button"
        className="mltrack-Button mltrack-mod-primary"
        disabled={account.busy}
        onClick={() => void account.begin()}
      >
        {account.busy
          ? trans.__('Asking for a code …')
          : again
            ? trans.__('Sign in again')
            : trans.__('Sign in to Azure')}
      </button>
    </div>
  );
}

function OpenSignIn(props: { account: AccountStore; signIn: SignIn }): JSX.Element {
  const { store, trans, actions } = useTools();
  const { account, signIn } = props;
  useTick(TICK_MS, signIn.expires_ms !== null);
  const ready = signIn.code !== '' && signIn.link.startsWith('https://');
  const left = signIn.expires_ms === null ? null : signIn.expires_ms - store.clock.now();
  return (
    <div className="mltrack-SignIn" role="group" aria-label={trans.__('Sign in to Azure')}>
      {ready ? (
        <>
          <p className="mltrack-SignIn-words">
            {trans.__('Open the page, enter this code, and choose your account.')}
          </p>
          <div className="mltrack-SignIn-row">
            <code className="mltrack-SignIn-code" aria-label={trans.__('Code')}>
              {displayName(signIn.code)}
            </code>
            <button
              type="button"
              className="mltrack-Button"
              onClick={() => actions().copy(signIn.code)}
            >
              {trans.__('Copy')}
            </button>
          </div>
          <a
            className="mltrack-SignIn-link"
            href={signIn.link}
            target="_blank"
            rel="noopener noreferrer"
          >
            {displayName(signIn.link)}
          </a>
        </>
      ) : (
        <p className="mltrack-SignIn-words">{trans.__('Asking for a code …')}</p>
      )}
      <div className="mltrack-SignIn-row">
        <span className="mltrack-SignIn-left" role="timer">
          {left === null
            ? ''
            : left > 0
              ? trans.__('%1 left', formatDuration(left))
              : trans.__('expired')}
        </span>
        <button type="button" className="mltrack-Button" onClick={() => void account.cancel()}>
          {trans.__('Cancel')}
        </button>
      </div>
    </div>
  );
}
