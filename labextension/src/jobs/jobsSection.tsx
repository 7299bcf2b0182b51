/** Jobs that run elsewhere: state, target, time; an opened one shows its log and what can be done. */
import * as React from 'react';
import { Name, ProblemView, Skeleton } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel, useTick } from '../panel/hooks';
import { failedIcon, finishedIcon, killedIcon, runningIcon, scheduledIcon } from '../panel/icons';
import { moveFocus } from '../panel/roving';
import { hasEnded } from '../store/jobStates';
import { displayName } from '../text';
import type { RunId, SubmittedJob } from '../types';
import { useJobTools } from './context';
import { OpenedJob } from './openedJob';
import { SubmitForm } from './submitForm';
import { jobTime, jobWords } from './words';

const ROW_HEIGHT = 42;
const TICK_MS = 1000;
const SHOWN = 8;

const MARKS = {
  queued: [scheduledIcon, 'SCHEDULED'],
  preparing: [scheduledIcon, 'SCHEDULED'],
  running: [runningIcon, 'RUNNING'],
  finishing: [runningIcon, 'RUNNING'],
  done: [finishedIcon, 'FINISHED'],
  failed: [failedIcon, 'FAILED'],
  cancelled: [killedIcon, 'KILLED']
} as const;

export function JobsSection(): JSX.Element {
  const { store, trans } = useTools();
  const { jobs } = useJobTools();
  const { submitting } = jobs;
  const button = React.useRef<HTMLButtonElement>(null);
  const [wanted, setWanted] = React.useState<RunId | null>(null);
  useModel(jobs);
  useModel(store);
  useTick(TICK_MS, jobs.running > 0);
  const close = (): void => {
    jobs.setSubmitting(false);
    requestAnimationFrame(() => button.current?.focus());
  };
  const workspace = store.workspace?.id ?? null;
  return (
    <div className="mltrack-Jobs">
      {jobs.problem !== null && <ProblemView problem={jobs.problem} />}
      {jobs.jobs.length > 0 ? (
        <Rows wanted={wanted} />
      ) : !jobs.loaded ? (
        <Skeleton rows={1} rowHeight={ROW_HEIGHT} />
      ) : (
        jobs.problem === null &&
        !submitting && (
          <p className="mltrack-Empty-line mltrack-mod-padded">
            {trans.__('Nothing runs elsewhere. Send a cell away with')}{' '}
            <code className="mltrack-Magic">%%track --on process</code>.
          </p>
        )
      )}
      {submitting && workspace !== null ? (
        <SubmitForm
          workspace={workspace}
          notebook={jobs.notebook}
          onClose={close}
          onSubmitted={job => {
            setWanted(job.id);
            close();
            void jobs.refresh();
          }}
        />
      ) : (
        <div className="mltrack-Buttons mltrack-mod-start mltrack-mod-padded">
          <button
            type="button"
            className="mltrack-Button mltrack-mod-small"
            ref={button}
            disabled={workspace === null}
            onClick={() => jobs.setSubmitting(true)}
          >
            {trans.__('Submit a script or notebook …')}
          </button>
        </div>
      )}
    </div>
  );
}

function Rows(props: { wanted: RunId | null }): JSX.Element {
  const { trans } = useTools();
  const { jobs } = useJobTools();
  const { wanted } = props;
  const [opened, setOpened] = React.useState<ReadonlySet<RunId>>(new Set());
  const [all, setAll] = React.useState(false);
  React.useEffect(() => {
    if (wanted !== null) {
      setOpened(old => new Set(old).add(wanted));
    }
  }, [wanted]);
  const toggle = (id: RunId): void => {
    const next = new Set(opened);
    if (!next.delete(id)) {
      next.add(id);
    }
    setOpened(next);
  };
  const shown = all ? jobs.jobs : jobs.jobs.filter((job, at) => at < SHOWN || !hasEnded(job));
  const hidden = jobs.jobs.length - shown.length;
  return (
    <>
      <div role="list" aria-label={trans.__('Jobs')} onKeyDown={moveFocus}>
        {shown.map((job, index) => (
          <div role="listitem" key={job.id}>
            <JobRow
              job={job}
              open={opened.has(job.id)}
              tabIndex={index === 0 ? 0 : -1}
              onToggle={() => toggle(job.id)}
            />
            {opened.has(job.id) && <OpenedJob job={job} />}
          </div>
        ))}
      </div>
      {hidden > 0 && (
        <button
          type="button"
          className="mltrack-Link mltrack-mod-padded"
          onClick={() => setAll(true)}
        >
          {trans._n('%2 older job', '%2 older jobs', hidden, String(hidden))}
        </button>
      )}
    </>
  );
}

function JobRow(props: {
  job: SubmittedJob;
  open: boolean;
  tabIndex: number;
  onToggle: () => void;
}): JSX.Element {
  const { store, trans } = useTools();
  const { job, open } = props;
  const [Icon, status] = MARKS[job.state];
  const words = jobWords(job, trans);
  const problem = job.problem?.message ?? '';
  return (
    <button
      type="button"
      className="mltrack-Row mltrack-SubmittedRow"
      aria-expanded={open}
      data-job={job.id}
      data-state={job.state}
      tabIndex={props.tabIndex}
      onClick={props.onToggle}
    >
      <span className="mltrack-Row-line">
        <span className="mltrack-Status" data-status={status} title={words}>
          <Icon.react tag="span" className="mltrack-Status-icon" aria-hidden="true" />
        </span>
        <Name text={job.name} className="mltrack-Row-name" />
        <span className="mltrack-Row-time">{jobTime(job, store.clock.now())}</span>
      </span>
      <span className="mltrack-Row-line mltrack-mod-second">
        <span className="mltrack-Row-words">{`${displayName(job.target)} · ${words}`}</span>
        {problem !== '' && (
          <span className="mltrack-Row-error" title={displayName(problem)}>
            {displayName(problem)}
          </span>
        )}
      </span>
    </button>
  );
}
