/** The runs that are being written now, of every kernel. */
import * as React from 'react';
import { formatCount } from '../format';
import { isRunning } from '../store/liveStore';
import { displayName } from '../text';
import type { LiveRun, RunId } from '../types';
import { InsertButton, ProblemView, Skeleton, statusWord } from './bits';
import { useTools } from './context';
import { useModel, useTick } from './hooks';
import { LiveRow } from './liveRow';
import { LiveParts } from './liveParts';
import { OpenedRun } from './runCharts';
import { moveFocus } from './roving';

const ROW_HEIGHT = 46;
const TICK_MS = 1000;
/**
 * Rows that the section has room for from the start, so that a run which begins moves nothing below
 * it. What ended fills that room and no more: the list below has it all. More that run are a line
 * with their number, which has its room as well, until somebody wants to see them.
 */
const ROOM_ROWS = 2;

export function LiveSection(): JSX.Element {
  const { store, trans } = useTools();
  const { live } = store;
  useModel(live);
  useModel(store);
  const [opened, setOpened] = React.useState<ReadonlyMap<RunId, LiveRun>>(new Map());
  const [all, setAll] = React.useState(false);
  useTick(TICK_MS, live.running.length > 0);
  if (!live.loaded) {
    return <Skeleton rows={ROOM_ROWS} rowHeight={ROW_HEIGHT} />;
  }
  const shown = shownRuns(live.runs, opened, all);
  const runs = shown.map(run => {
    const detail = live.runs.includes(run) ? null : store.openRuns.get(run.summary.run_id)?.detail;
    return detail ? { ...run, summary: detail.summary } : run; // It ended a while ago.
  });
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
              {opened.has(run.summary.run_id) && (
                <>
                  <LiveParts run={run} />
                  <OpenedRun run={run.summary} />
                </>
              )}
            </div>
          ))}
        </div>
      )}
      <More
        all={all}
        left={live.running.filter(run => !shown.includes(run)).length}
        onToggle={setAll}
      />
      <Announcer runs={live.runs} />
    </>
  );
}

/** What runs, the newest of what ended while there is room, and what was opened until it is closed. */
function shownRuns(
  live: readonly LiveRun[],
  opened: ReadonlyMap<RunId, LiveRun>,
  all: boolean
): readonly LiveRun[] {
  const running = live.filter(({ summary }) => isRunning(summary.status));
  const first = new Set(all ? running : running.slice(0, ROOM_ROWS));
  let room = ROOM_ROWS - running.length;
  const shown = live.filter(run => {
    if (first.has(run) || opened.has(run.summary.run_id)) {
      return true;
    }
    room -= 1;
    return !isRunning(run.summary.status) && room >= 0;
  });
  const there = new Set(shown.map(run => run.summary.run_id));
  return [...shown, ...[...opened.values()].filter(run => !there.has(run.summary.run_id))];
}

/** How many more run than there is room for, and the way to them. */
function More(props: {
  all: boolean;
  left: number;
  onToggle: (all: boolean) => void;
}): JSX.Element | null {
  const { store, trans } = useTools();
  const { all, left } = props;
  if (left === 0 && (!all || store.live.running.length <= ROOM_ROWS)) {
    return null;
  }
  return (
    <button
      type="button"
      className="mltrack-Link mltrack-Live-more"
      aria-expanded={all}
      onClick={() => props.onToggle(!all)}
    >
      {all
        ? trans.__('Show fewer')
        : trans._n('Show %2 more running', 'Show %2 more running', left, formatCount(left))}
    </button>
  );
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
