/** One line for the run of a cell, which opens to its charts; both keep their height. */
import * as React from 'react';
import { formatDuration, formatTook } from '../format';
import { Metric, Name, StatusMark } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel, useTick } from '../panel/hooks';
import { ProgressWords } from '../panel/liveRow';
import { OpenedRun } from '../panel/runCharts';
import { isRunning } from '../store/liveStore';
import { displayName, lastLine } from '../text';
import type { LiveRun, RunSummary, RunView } from '../types';
import type { ToldRun } from './liveOutput';

const TICK_MS = 1000;
const MAIN_METRICS = 3;
/** A run that nobody announces is asked for after this, and again. */
const ASK_MS = 4000;
/** After the end of a run the kernel has this long to put the static form here by itself. */
const SETTLE_MS = 2500;

export function CellView(props: {
  told: ToldRun;
  settle: (view: RunView) => void;
  onFold: (open: boolean) => void;
}): JSX.Element {
  const { store, trans, actions } = useTools();
  const { told, settle, onFold } = props;
  const [open, setOpen] = React.useState(false);
  useModel(store.live);
  const live = store.live.runs.find(({ summary }) => summary.run_id === told.run_id);
  const asked = useAsked(told, live === undefined);
  const summary = live?.summary ?? asked ?? begun(told);
  const running = isRunning(summary.status);
  useTick(TICK_MS, running);
  useSettled(told, !running, settle);
  useLook(open && running);
  const elapsedMs = (summary.end_ms ?? store.clock.now()) - summary.start_ms;
  const args = { workspace: told.workspace_id, runIds: [told.run_id] };
  const name = displayName(summary.name);
  return (
    <div data-status={summary.status} role="group" aria-label={trans.__('Run %1', name)}>
      <div className="mltrack-CellView-line">
        <button
          type="button"
          className="mltrack-CellView-fold"
          aria-expanded={open}
          onClick={() => {
            setOpen(!open);
            onFold(!open);
          }}
        >
          <span className="mltrack-CellView-arrow" aria-hidden="true">
            {open ? '▾' : '▸'}
          </span>
          <StatusMark status={summary.status} />
          <Name text={summary.name} className="mltrack-CellView-name" />
          <Values summary={summary} live={live} />
          <span className="mltrack-Row-time">
            {running ? formatDuration(elapsedMs) : formatTook(elapsedMs)}
          </span>
        </button>
        <button
          type="button"
          className="mltrack-CellView-door"
          title={trans.__('Open the page of %1', name)}
          onClick={() => actions().openPage('run', args)}
        >
          {trans.__('Open page')}
        </button>
      </div>
      <Progress live={live} />
      {open && (
        <div className="mltrack-CellView-body">
          <OpenedRun run={summary} />
        </div>
      )}
    </div>
  );
}

/** Newest values, or why it failed. */
function Values(props: { summary: RunSummary; live: LiveRun | undefined }): JSX.Element {
  const { store } = useTools();
  const { summary, live } = props;
  if (summary.error !== null && summary.error !== '') {
    return (
      <span className="mltrack-Row-error" title={displayName(summary.error)}>
        {lastLine(summary.error)}
      </span>
    );
  }
  return (
    <span className="mltrack-Row-metrics">
      {summary.metrics.slice(0, MAIN_METRICS).map(metric => (
        <Metric
          key={metric.key}
          metric={metric}
          recent={live === undefined ? null : store.live.recent(live, metric.key)}
        />
      ))}
      {live !== undefined && live.progress !== null && isRunning(summary.status) && (
        <ProgressWords progress={live.progress} />
      )}
    </span>
  );
}

/** A line of its own height, filled as far as the run is. */
function Progress(props: { live: LiveRun | undefined }): JSX.Element {
  const { done, total } = props.live?.progress ?? { done: 0, total: null };
  const share = total === null || total <= 0 ? 0 : Math.min(Math.max(done / total, 0), 1);
  return (
    <span className="mltrack-CellView-progress" data-known={share > 0} aria-hidden="true">
      <span className="mltrack-Progress-done" style={{ width: `${share * 100}%` }} />
    </span>
  );
}

/** What the output itself says, until the server says more. */
function begun(told: ToldRun): RunSummary {
  return {
    run_id: told.run_id,
    workspace_id: told.workspace_id,
    experiment_id: null,
    experiment: null,
    name: told.name,
    status: 'RUNNING',
    start_ms: told.start_ms,
    end_ms: null,
    metrics: [],
    parent_run_id: null,
    notebook: null,
    error: null,
    waiting_points: 0,
    live: true,
    hidden_metrics: 0,
    params: [],
    tags: [],
    user: '',
    starred: false,
    deleted: false,
    children: 0,
    attempt: 1
  };
}

/** A run that is not among the live ones, as its workspace knows it; it may have ended long ago. */
function useAsked(told: ToldRun, wanted: boolean): RunSummary | null {
  const { runClient } = useTools();
  const [found, setFound] = React.useState<RunSummary | null>(null);
  const { run_id: runId, workspace_id: workspace } = told;
  const wait = wanted && (found === null || isRunning(found.status));
  React.useEffect(() => {
    if (!wait) {
      return undefined;
    }
    const abort = new AbortController();
    const ask = (): void => {
      runClient.details(workspace, [runId], abort.signal).then(
        ({ runs: [run] }) => setFound(before => run?.summary ?? before),
        () => undefined // The server is away, or does not know the workspace yet.
      );
    };
    const timer = setInterval(ask, ASK_MS);
    return () => {
      abort.abort();
      clearInterval(timer);
    };
  }, [runClient, workspace, runId, wait]);
  return found;
}

/** Fetch the static form of a run that has ended, unless its kernel is quicker. */
function useSettled(told: ToldRun, ended: boolean, settle: (view: RunView) => void): void {
  const { runClient } = useTools();
  const { run_id: runId, workspace_id: workspace } = told;
  const put = React.useRef(settle);
  put.current = settle;
  React.useEffect(() => {
    if (!ended) {
      return undefined;
    }
    const abort = new AbortController();
    const ask = (): void => {
      runClient.view({ runId, workspace }, abort.signal).then(
        view => put.current(view),
        () => undefined // The line stays, and says how the run ended.
      );
    };
    const timer = setTimeout(ask, SETTLE_MS);
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [runClient, workspace, runId, ended]);
}

/** Charts are looked at: points are asked for as soon as they are there. */
function useLook(active: boolean): void {
  const { store } = useTools();
  React.useEffect(() => {
    if (!active) {
      return undefined;
    }
    const look = store.look();
    return () => look.dispose();
  }, [store, active]);
}
