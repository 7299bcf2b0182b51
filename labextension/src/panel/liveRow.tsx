/** The row of a live run: name, progress, newest values, in one height whatever is known. */
import * as React from 'react';
import { formatDuration, formatProgress, formatTook } from '../format';
import { isRunning } from '../store/liveStore';
import { displayName, lastLine } from '../text';
import type { LiveRun, Progress } from '../types';
import { Metric, Name, Sparkline, StatusMark } from './bits';
import { useTools } from './context';
import { reveal } from './hooks';
import { alertIcon } from './icons';
import { UploadMark } from './uploadsLine';

const MAIN_METRICS = 2;

export function LiveRow(props: {
  run: LiveRun;
  open: boolean;
  tabIndex: number;
  onToggle: () => void;
}): JSX.Element {
  const { store } = useTools();
  const { run, open } = props;
  const { summary } = run;
  const running = isRunning(summary.status);
  const elapsedMs = (summary.end_ms ?? store.clock.now()) - summary.start_ms;
  return (
    <button
      type="button"
      className="mltrack-Row mltrack-LiveRow"
      aria-expanded={open}
      data-status={summary.status}
      data-run-id={summary.run_id}
      tabIndex={props.tabIndex}
      onClick={event => {
        props.onToggle();
        if (!open) {
          reveal(event.currentTarget);
        }
      }}
    >
      <span className="mltrack-Row-line">
        <StatusMark status={summary.status} />
        <Name text={summary.name} className="mltrack-Row-name" />
        {running && run.alerts.length > 0 && <AlertMark run={run} />}
        {running && run.progress !== null ? (
          <ProgressWords progress={run.progress} />
        ) : (
          <Sparkline values={run.sparkline} />
        )}
        <span className="mltrack-Row-time">
          {running ? formatDuration(elapsedMs) : formatTook(elapsedMs)}
        </span>
      </span>
      <SecondLine run={run} />
      {running && run.progress !== null && <ProgressBar progress={run.progress} />}
    </button>
  );
}

/** Newest metrics, or why it failed. */
function SecondLine(props: { run: LiveRun }): JSX.Element {
  const { store, trans } = useTools();
  const { run } = props;
  const { summary } = run;
  const running = isRunning(summary.status);
  return (
    <span className="mltrack-Row-line mltrack-mod-second">
      {!running && summary.error !== null && summary.error !== '' ? (
        <span className="mltrack-Row-error" title={displayName(summary.error)}>
          {lastLine(summary.error)}
        </span>
      ) : (
        <span className="mltrack-Row-metrics">
          {summary.metrics.slice(0, MAIN_METRICS).map(metric => (
            <Metric
              key={metric.key}
              metric={metric}
              recent={running ? store.live.recent(run, metric.key) : null}
            />
          ))}
        </span>
      )}
      {run.uploads !== null && run.uploads !== undefined && <UploadMark uploads={run.uploads} />}
      {run.elsewhere && (
        <span className="mltrack-Row-place" title={trans.__('It runs on another machine')}>
          {trans.__('elsewhere')}
        </span>
      )}
    </span>
  );
}

/** A line at the row's lower edge: the row is as high with it as without. */
function ProgressBar(props: { progress: Progress }): JSX.Element | null {
  const { done, total } = props.progress;
  if (total === null || total <= 0) {
    return null;
  }
  const width = `${Math.min(Math.max(done / total, 0), 1) * 100}%`;
  return (
    <span className="mltrack-Progress" aria-hidden="true">
      <span className="mltrack-Progress-done" style={{ width }} />
    </span>
  );
}

/** `epoch 12/50 batch`: where there is little room the numbers are what stays. */
export function ProgressWords(props: { progress: Progress }): JSX.Element {
  const { done, total, unit, label } = props.progress;
  const numbers = formatProgress(done, total);
  const words = [displayNamed(label), numbers, displayNamed(unit)].filter(word => word !== '');
  return (
    <span className="mltrack-Row-progress" title={words.join(' ')}>
      {label !== '' && (
        <span className="mltrack-Row-progress-word">{displayNamed(label)}&nbsp;</span>
      )}
      <span className="mltrack-Row-progress-numbers">{numbers}</span>
      {unit !== '' && <span className="mltrack-Row-progress-word">&nbsp;{displayNamed(unit)}</span>}
    </span>
  );
}

function displayNamed(text: string): string {
  return text === '' ? '' : displayName(text);
}

function AlertMark(props: { run: LiveRun }): JSX.Element {
  const words = props.run.alerts.map(alert => displayName(alert.message)).join('\n');
  return (
    <span className="mltrack-Row-alert" title={words}>
      <alertIcon.react tag="span" className="mltrack-Status-icon" aria-hidden="true" />
      <span className="mltrack-visually-hidden">{words}</span>
    </span>
  );
}
