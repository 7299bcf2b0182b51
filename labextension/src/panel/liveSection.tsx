/** The runs that are being written now, of every kernel. */
import * as React from 'react';
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
 * it. What ended fills that room and no more: the list below has it all.
 */
const ROOM_ROWS = 2;

export function LiveSection(): JSX.Element {
  const { store, trans } = useTools();
  const { live } = store;
  useModel(live);
  useModel(store);
  const [opened, setOpened] = React.useState<ReadonlyMap<RunId, LiveRun>>(new Map());
  useTick(TICK_MS, live.running.length > 0);
  if (!live.loaded) {
    return <Skeleton rows={ROOM_ROWS} rowHeight={ROW_HEIGHT} />;
  }
  const runs = shownRuns(live.runs, opened).map(run => {
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
      <Announcer runs={live.runs} />
    </>
  );
}

/** What runs, the newest of what ended while there is room, and what was opened until it is closed. */
function shownRuns(
  live: readonly LiveRun[],
  opened: ReadonlyMap<RunId, LiveRun>
): readonly LiveRun[] {
  let room = ROOM_ROWS - live.filter(({ summary }) => isRunning(summary.status)).length;
  const shown = live.filter(({ summary }) => {
    if (isRunning(summary.status) || opened.has(summary.run_id)) {
      return true;
    }
    room -= 1;
    return room >= 0;
  });
  const there = new Set(shown.map(run => run.summary.run_id));
  return [...shown, ...[...opened.values()].filter(run => !there.has(run.summary.run_id))];
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
