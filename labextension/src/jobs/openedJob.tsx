/** An opened job: what it printed, what went along and came back, its run, and how to stop it. */
import * as React from 'react';
import { formatBytes } from '../format';
import { Confirm, CopyButton, Facts, Fold, Lines, useAsked, Waiting } from '../models/bits';
import { ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import type { JobLogStore } from '../store/jobLogStore';
import { hasEnded } from '../store/jobStates';
import { displayName } from '../text';
import type { CodeSnapshot, Pair, Problem, SubmittedJob, Travelling } from '../types';
import { useJobTools } from './context';

const FOLLOW_MS = 1000;

export function OpenedJob(props: { job: SubmittedJob }): JSX.Element {
  const { trans } = useTools();
  const { job } = props;
  const [problem, setProblem] = React.useState<Problem | null>(null);
  return (
    <div className="mltrack-OpenedJob" role="group" aria-label={displayName(job.name)}>
      {job.problem !== null && <ProblemView problem={job.problem} />}
      {problem !== null && <ProblemView problem={problem} />}
      <Log job={job} />
      <Facts pairs={factsOf(job, trans)} />
      {job.snapshot !== null && <Files snapshot={job.snapshot} />}
      {job.returned.length > 0 && <Returned job={job} />}
      <Acts job={job} onProblem={setProblem} />
    </div>
  );
}

function Log(props: { job: SubmittedJob }): JSX.Element {
  const { trans } = useTools();
  const { jobs } = useJobTools();
  const { job } = props;
  const log = jobs.log(job.id);
  const root = React.useRef<HTMLDivElement>(null);
  useModel(log);
  useFollowing(log, root);
  return (
    <div className="mltrack-JobLog" ref={root}>
      {log.problem !== null && <ProblemView problem={log.problem} />}
      {!log.loaded ? (
        <Waiting trans={trans} />
      ) : log.lines.length === 0 ? (
        <p className="mltrack-Empty-line">
          {hasEnded(job) ? trans.__('It printed nothing.') : trans.__('Nothing was printed yet.')}
        </p>
      ) : (
        <Lines lines={log.lines} label={trans.__('Log of %1', displayName(job.name))} atEnd />
      )}
    </div>
  );
}

/** Ask for more while the log is in sight and more may come. */
function useFollowing(log: JobLogStore, root: React.RefObject<HTMLDivElement>): void {
  React.useEffect(() => {
    void log.load();
    const timer = setInterval(() => {
      if (!document.hidden && root.current?.offsetParent) {
        void log.load();
      }
    }, FOLLOW_MS);
    return () => clearInterval(timer);
  }, [log, root]);
}

function factsOf(job: SubmittedJob, trans: ReturnType<typeof useTools>['trans']): Pair[] {
  const named = (all: readonly Travelling[]): string =>
    all
      .map(one =>
        one.size_bytes === null ? one.name : `${one.name} (${formatBytes(one.size_bytes)})`
      )
      .join(', ');
  return [
    { key: trans.__('runs'), value: job.what },
    { key: trans.__('workspace'), value: job.workspace_name },
    { key: trans.__('went along'), value: named(job.names) },
    { key: trans.__('returns'), value: job.returned.length > 0 ? '' : job.returns.join(', ') },
    { key: trans.__('returned'), value: named(job.returned) }
  ].filter(one => one.value !== '');
}

export function Files(props: { snapshot: CodeSnapshot }): JSX.Element {
  const { trans } = useTools();
  const { files, size_bytes: size, paths, left_out: leftOut } = props.snapshot;
  const title = trans._n('%2 file, %3', '%2 files, %3', files, String(files), formatBytes(size));
  return (
    <Fold
      title={
        leftOut.length === 0 ? title : trans.__('%1; %2 left out', title, String(leftOut.length))
      }
    >
      <ul className="mltrack-PlainList mltrack-Files">
        {leftOut.map(one => (
          <li key={one.path} className="mltrack-Files-out">
            {`${displayName(one.path)} – ${displayName(one.why)}`}
          </li>
        ))}
        {paths.map(path => (
          <li key={path}>{displayName(path)}</li>
        ))}
      </ul>
    </Fold>
  );
}

/** How the names come into a notebook that did not wait for them. */
function Returned(props: { job: SubmittedJob }): JSX.Element {
  const { trans } = useTools();
  const code = `%mltrack jobs ${props.job.id.slice(0, 8)} --get`;
  return (
    <div className="mltrack-Address">
      <code>{code}</code>
      <CopyButton text={code} label={trans.__('Copy')} />
    </div>
  );
}

function Acts(props: {
  job: SubmittedJob;
  onProblem: (problem: Problem | null) => void;
}): JSX.Element {
  const { trans } = useTools();
  const { jobs, openRun } = useJobTools();
  const { job, onProblem } = props;
  const { asked, button, ask, takeBack } = useAsked();
  const ended = hasEnded(job);
  const busy = jobs.acting.has(job.id);
  if (asked && ended) {
    return (
      <Confirm
        name={job.name}
        question={
          job.backend === 'azureml'
            ? trans.__(
                'Its log and what it returned go from this machine. Azure deletes no job: in %1 it is archived, and its run and files stay.',
                displayName(job.workspace_name)
              )
            : trans.__('Its log and what it returned go; its run stays.')
        }
        busy={busy}
        onConfirm={() => void jobs.remove(job).then(onProblem)}
        onCancel={takeBack}
      />
    );
  }
  if (asked) {
    return (
      <StopQuestion
        job={job}
        busy={busy}
        onStop={() => {
          void jobs.cancel(job).then(problem => {
            onProblem(problem);
            takeBack();
          });
        }}
        onCancel={takeBack}
      />
    );
  }
  return (
    <Buttons
      job={job}
      button={button}
      disabled={busy || (!ended && job.cancel_asked)}
      onRun={() => openRun(job.id)}
      onAsk={ask}
    />
  );
}

function Buttons(props: {
  job: SubmittedJob;
  button: React.RefObject<HTMLButtonElement>;
  disabled: boolean;
  onRun: () => void;
  onAsk: () => void;
}): JSX.Element {
  const { trans } = useTools();
  const { job } = props;
  return (
    <div className="mltrack-Buttons mltrack-mod-start">
      {job.began_ms !== null && (
        <button type="button" className="mltrack-Button mltrack-mod-small" onClick={props.onRun}>
          {trans.__('Open run')}
        </button>
      )}
      {job.link !== null && job.link.startsWith('https://') && (
        <a className="mltrack-Link" href={job.link} target="_blank" rel="noopener noreferrer">
          {trans.__('Open in studio')}
        </a>
      )}
      <button
        type="button"
        className="mltrack-Button mltrack-mod-small"
        disabled={props.disabled}
        ref={props.button}
        onClick={props.onAsk}
      >
        {hasEnded(job) ? trans.__('Delete …') : trans.__('Stop …')}
      </button>
    </div>
  );
}

function StopQuestion(props: {
  job: SubmittedJob;
  busy: boolean;
  onStop: () => void;
  onCancel: () => void;
}): JSX.Element {
  const { trans } = useTools();
  const { job, busy, onStop, onCancel } = props;
  const stop = React.useRef<HTMLButtonElement>(null);
  React.useEffect(() => stop.current?.focus(), []);
  return (
    <div
      className="mltrack-Confirm"
      role="group"
      aria-label={trans.__('Stop')}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          onCancel();
        }
      }}
    >
      <p>{trans.__('Stop %1? What it has logged stays.', displayName(job.name))}</p>
      <div className="mltrack-Buttons">
        <button type="button" className="mltrack-Button" onClick={onCancel}>
          {trans.__('Let it run')}
        </button>
        <button
          type="button"
          className="mltrack-Button mltrack-mod-danger"
          disabled={busy}
          ref={stop}
          onClick={onStop}
        >
          {trans.__('Stop')}
        </button>
      </div>
    </div>
  );
}
