/** A deploy under way: its steps with seconds, why it failed, and what came of it. */
import * as React from 'react';
import { ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { useTick } from '../panel/hooks';
import { failedIcon, finishedIcon, runningIcon, scheduledIcon } from '../panel/icons';
import { displayName } from '../text';
import type { EndpointInfo, JobInfo, JobStep, StepState } from '../types';
import { CopyButton, Fold, Lines } from './bits';
import { useModelTools } from './context';
import { formatSeconds } from './words';

const TICK_MS = 200;

export function JobView(props: { job: JobInfo; onAgain: (() => void) | null }): JSX.Element {
  const { trans } = useTools();
  const { job, onAgain } = props;
  useTick(TICK_MS, job.state === 'running');
  return (
    <div className="mltrack-Job" data-state={job.state}>
      <Steps job={job} />
      <p className="mltrack-visually-hidden" role="status">
        {jobWord(job, trans.__('deploying'), trans.__('ready'), trans.__('failed'))}
      </p>
      {job.problem !== null && <ProblemView problem={job.problem} />}
      {job.state === 'failed' && job.log_tail.length > 0 && (
        <Fold title={trans.__('Log')} open>
          <Lines lines={job.log_tail} label={trans.__('Log')} atEnd />
        </Fold>
      )}
      {job.state === 'done' && job.endpoint !== null && <Result endpoint={job.endpoint} />}
      {job.state === 'failed' && onAgain !== null && (
        <div className="mltrack-Buttons">
          <button type="button" className="mltrack-Button" onClick={onAgain}>
            {trans.__('Back to the form')}
          </button>
        </div>
      )}
    </div>
  );
}

function jobWord(job: JobInfo, running: string, done: string, failed: string): string {
  return job.state === 'running' ? running : job.state === 'done' ? done : failed;
}

function stepIcon(state: StepState): typeof runningIcon {
  switch (state) {
    case 'waiting':
      return scheduledIcon;
    case 'running':
      return runningIcon;
    case 'done':
      return finishedIcon;
    case 'failed':
      return failedIcon;
  }
}

const STATUS_OF_STEP = {
  waiting: 'SCHEDULED',
  running: 'RUNNING',
  done: 'FINISHED',
  failed: 'FAILED'
} as const;

export function Steps(props: { job: JobInfo }): JSX.Element {
  const { trans } = useTools();
  const { steps } = props.job;
  return (
    <ol className="mltrack-Steps" aria-label={trans.__('Steps')}>
      {steps.length === 0 && <li className="mltrack-Step">{trans.__('Starting …')}</li>}
      {steps.map(step => (
        <Step key={step.name} step={step} job={props.job} />
      ))}
    </ol>
  );
}

function Step(props: { step: JobStep; job: JobInfo }): JSX.Element {
  const { store } = useTools();
  const { step, job } = props;
  const Icon = stepIcon(step.state);
  const before = job.steps.reduce((sum, one) => sum + (one.seconds ?? 0), 0);
  const running = step.state === 'running' && job.state === 'running';
  const seconds = running
    ? Math.max(0, (store.clock.now() - job.started_ms) / 1000 - before)
    : step.seconds;
  return (
    <li className="mltrack-Step" data-state={step.state}>
      <span className="mltrack-Status" data-status={STATUS_OF_STEP[step.state]} title={step.state}>
        <Icon.react tag="span" className="mltrack-Status-icon" aria-hidden="true" />
      </span>
      <span className="mltrack-Step-title">
        {displayName(step.title)}
        {step.detail !== '' && (
          <span className="mltrack-Field-help"> {displayName(step.detail)}</span>
        )}
      </span>
      <span className="mltrack-Row-time">{seconds === null ? '' : formatSeconds(seconds)}</span>
    </li>
  );
}

function Result(props: { endpoint: EndpointInfo }): JSX.Element {
  const { trans } = useTools();
  const { openEndpoint } = useModelTools();
  const { endpoint } = props;
  return (
    <div className="mltrack-Result">
      <Address endpoint={endpoint} />
      <div className="mltrack-Buttons mltrack-mod-start">
        <Snippets endpoint={endpoint} />
        {endpoint.target === 'local' && (
          <button
            type="button"
            className="mltrack-Button mltrack-mod-primary mltrack-mod-small mltrack-mod-last"
            onClick={() => openEndpoint(endpoint.name)}
          >
            {trans.__('Try it')}
          </button>
        )}
      </div>
    </div>
  );
}

export function Address(props: { endpoint: EndpointInfo }): JSX.Element | null {
  const { trans } = useTools();
  const { address, detail } = props.endpoint;
  if (address === '') {
    return detail === '' ? null : <p className="mltrack-Field-help">{displayName(detail)}</p>;
  }
  return (
    <div className="mltrack-Address">
      <code title={displayName(address)}>{displayName(address)}</code>
      <CopyButton text={address} label={trans.__('Copy')} />
    </div>
  );
}

/** A button for each way to ask the endpoint that is ready to copy. */
export function Snippets(props: { endpoint: EndpointInfo }): JSX.Element {
  const { trans } = useTools();
  return (
    <>
      {props.endpoint.snippets.map(({ key, value }) => (
        <CopyButton key={key} text={value} label={trans.__('Copy %1', displayName(key))} />
      ))}
    </>
  );
}
