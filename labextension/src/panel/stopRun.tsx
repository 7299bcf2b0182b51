/** A button with a question that ends a run: its kernel is interrupted, or its job is cancelled. */
import * as React from 'react';
import { problemOf } from '../store/resource';
import { displayName } from '../text';
import type { LiveRun } from '../types';
import { useTools } from './context';
import { Sure } from './sure';

type Stopping = 'no' | 'asked' | 'sent';

/** Whether something of this server can end the run. */
export function canStop(run: LiveRun): boolean {
  return (run.kernel_id ?? '') !== '' || run.job === true;
}

/** What is stopped is hours of work: it asks first. */
export function StopRun(props: { run: LiveRun; small?: boolean }): JSX.Element {
  const { trans, actions } = useTools();
  const { run, small = false } = props;
  const [state, setState] = React.useState<Stopping>('no');
  const button = React.useRef<HTMLButtonElement>(null);
  const send = useStop(run);
  const name = displayName(run.summary.name);
  const stop = async (): Promise<void> => {
    setState('sent');
    const failed = await send();
    if (failed !== null) {
      setState('no');
      actions().notify({ message: failed, kind: 'error' });
    }
  };
  const takeBack = (): void => {
    setState('no');
    requestAnimationFrame(() => button.current?.focus());
  };
  if (state === 'asked') {
    return <Question run={run} onStop={() => void stop()} onCancel={takeBack} />;
  }
  return (
    <button
      type="button"
      className={`mltrack-Button ${small ? 'mltrack-mod-small' : ''}`}
      ref={button}
      disabled={state === 'sent'}
      aria-label={trans.__('Stop %1', name)}
      onClick={() => setState('asked')}
    >
      {state === 'sent' ? trans.__('Stopping …') : trans.__('Stop …')}
    </button>
  );
}

/** Ends the run; says why it was not done, or null. */
function useStop(run: LiveRun): () => Promise<string | null> {
  const { trans, actions, runClient } = useTools();
  const { summary, kernel_id: kernelId = '' } = run;
  return async () => {
    try {
      if (kernelId !== '') {
        await actions().interrupt(kernelId);
      } else {
        const { signal } = new AbortController();
        await runClient.stop(summary.workspace_id, summary.run_id, signal);
      }
    } catch (error) {
      if (kernelId !== '') {
        const name = displayName(summary.name);
        return trans.__('%1 could not be stopped: its kernel does not answer.', name);
      }
      const { message, hint } = problemOf(error);
      return `${message} ${hint}`;
    }
    return null;
  };
}

function Question(props: { run: LiveRun; onStop: () => void; onCancel: () => void }): JSX.Element {
  const { trans } = useTools();
  const { run, onStop, onCancel } = props;
  const name = displayName(run.summary.name);
  const question =
    (run.kernel_id ?? '') !== ''
      ? trans.__('Stop %1? Its kernel is interrupted; what was logged so far is kept.', name)
      : trans.__('Stop %1? Its job is cancelled; what was logged so far is kept.', name);
  return (
    <Sure
      title={trans.__('Stop %1?', name)}
      question={question}
      yes={trans.__('Stop')}
      no={trans.__('Let it run')}
      onYes={onStop}
      onNo={onCancel}
    />
  );
}
