/** The runs that are being written now, of every kernel. */
import * as React from 'react';
import { formatDuration, formatTook } from '../format';
import { isRunning } from '../store/liveStore';
import { displayName, lastLine } from '../text';
import type { LiveRun, RunId } from '../types';
import {
  InsertButton,
  Metric,
  Name,
  ProblemView,
  Skeleton,
  Sparkline,
  StatusMark,
  statusWord
} from './bits';
import { useTools } from './context';
import { reveal, useModel, useTick } from './hooks';
import { OpenedRun } from './runCharts';
import { nextIndex } from './virtualList';

const ROW_HEIGHT = 46;
const MAIN_METRICS = 2;
const TICK_MS = 1000;
/** How many runs that just ended are shown: the list below has them all. */
const MOST_ENDED = 4;

export function LiveSection(): JSX.Element {
  const { store, trans } = useTools();
  const { live } = store;
  useModel(live);
  useModel(store);
  const [opened, setOpened] = React.useState<ReadonlyMap<RunId, LiveRun>>(new Map());
  useTick(TICK_MS, live.running.length > 0);
  if (!live.loaded) {
    return <Skeleton rows={1} rowHeight={ROW_HEIGHT} />;
  }
  const runs = shownRuns(live.runs, opened);
  const toggle = (run: LiveRun): void => {
    const next = new Map(opened);
    if (!next.delete(run.summary.run_id)) {
      next.set(run.summary.run_id, run);
    }
    setOpened(next);
  };
  return (
    <>
      {live.problem !== null && <ProblemView problem={live.problem} />}
      {runs.length === 0 ? (
        <EmptyLive />
      ) : (
        <div role="list" aria-label={trans.__('Live runs')} onKeyDown={moveFocus}>
          {runs.map((run, index) => (
            <div role="listitem" key={run.summary.run_id}>
              <LiveRow
                run={run}
                open={opened.has(run.summary.run_id)}
                tabIndex={index === 0 ? 0 : -1}
                onToggle={() => toggle(run)}
              />
              {opened.has(run.summary.run_id) && <OpenedRun run={run.summary} />}
            </div>
          ))}
        </div>
      )}
      <Announcer runs={live.runs} />
    </>
  );
}

/** What runs, the newest of what ended just now, and what was opened until it is closed. */
function shownRuns(
  live: readonly LiveRun[],
  opened: ReadonlyMap<RunId, LiveRun>
): readonly LiveRun[] {
  let ended = 0;
  const shown = live.filter(({ summary }) => {
    if (isRunning(summary.status)) {
      return true;
    }
    ended += 1;
    return ended <= MOST_ENDED || opened.has(summary.run_id);
  });
  const there = new Set(shown.map(run => run.summary.run_id));
  return [...shown, ...[...opened.values()].filter(run => !there.has(run.summary.run_id))];
}

/** Arrow keys move between rows; the row that has the focus is the one in the tab order. */
function moveFocus(event: React.KeyboardEvent<HTMLElement>): void {
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>('.mltrack-Row')];
  const index = rows.findIndex(row => row === event.target);
  const next = index === -1 ? null : nextIndex(event.key, index, rows.length);
  if (next === null) {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  rows.forEach((row, at) => {
    row.tabIndex = at === next ? 0 : -1;
  });
  rows[next]?.focus();
}

function EmptyLive(): JSX.Element {
  const { trans } = useTools();
  return (
    <div className="mltrack-Empty">
      <p className="mltrack-Empty-line">
        {trans.__('Nothing is running. A cell that begins with %1 draws itself here.', '%%track')}
      </p>
      <InsertButton />
    </div>
  );
}

function LiveRow(props: {
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
        <Sparkline values={run.sparkline} />
        <span className="mltrack-Row-time">
          {running ? formatDuration(elapsedMs) : formatTook(elapsedMs)}
        </span>
      </span>
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
      </span>
    </button>
  );
}

/** Tells a screen reader, politely, when a run begins or ends; not each value. */
function Announcer(props: { runs: readonly LiveRun[] }): JSX.Element {
  const { trans } = useTools();
  const known = React.useRef<ReadonlyMap<RunId, string> | null>(null);
  const [text, setText] = React.useState('');
  React.useEffect(() => {
    const now = new Map(props.runs.map(run => [run.summary.run_id, run.summary.status]));
    const before = known.current;
    known.current = now;
    if (before === null) {
      return;
    }
    const changed = props.runs.filter(
      ({ summary }) => before.get(summary.run_id) !== summary.status
    );
    if (changed.length > 0) {
      const said = changed.map(
        ({ summary }) => `${displayName(summary.name)}: ${statusWord(summary.status, trans)}`
      );
      setText(said.join(', '));
    }
  }, [props.runs, trans]);
  return (
    <div className="mltrack-visually-hidden" aria-live="polite">
      {text}
    </div>
  );
}
