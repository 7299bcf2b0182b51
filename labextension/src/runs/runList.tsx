/** The rows of a list of runs in the panel, with what an opened one shows. */
import * as React from 'react';
import { useTools } from '../panel/context';
import { reveal, useModel, useTick } from '../panel/hooks';
import { OpenedRun } from '../panel/runCharts';
import { VirtualList } from '../panel/virtualList';
import type { ListedRow } from '../store/runTree';
import type { RunsStore } from '../store/runsStore';
import type { ColumnId } from '../store/terms';
import { displayName } from '../text';
import type { RunId, RunSummary } from '../types';
import { useActs } from './acts';
import { newestOf } from './newest';
import { chosenOnly, onRowKey } from './rowKeys';
import type { RowDoings } from './rowKeys';
import { MoreRow, stateOf, useEvents } from './rowParts';
import { ColumnHeads, NARROW_ROW_HEIGHT, RunRow, WIDE_ROW_HEIGHT } from './runRow';
import type { Asked } from './toolbar';

const LIVE_TICK_MS = 1000;
const QUIET_TICK_MS = 5000;

export const keyOf = (row: ListedRow): string =>
  row.kind === 'run' ? row.run.run_id : `more:${row.parent}`;

export function RunList(props: {
  runs: RunsStore;
  /** null for narrow rows of two lines. */
  columns: readonly ColumnId[] | null;
  onAsk: (asked: Asked) => void;
}): JSX.Element {
  const { store, trans } = useTools();
  const { runs, columns } = props;
  const { live } = store;
  useModel(live);
  useTick(LIVE_TICK_MS, live.running.length > 0);
  const opened = useOpened(runs);
  const [renaming, setRenaming] = React.useState<RunId | null>(null);
  const doings = useDoings(runs, opened.toggle, setRenaming, props.onAsk);
  const nowMs = useSteadyNow();
  const events = useEvents({
    renamed: (run, name) => endRename(run, name, doings, setRenaming),
    open: (run, node) => openAt(opened, run, node)
  });
  const onNearEnd = React.useCallback(() => void runs.loadMore(), [runs]);
  const rowHeight = columns === null ? NARROW_ROW_HEIGHT : WIDE_ROW_HEIGHT;
  return (
    <>
      {columns !== null && <ColumnHeads columns={columns} />}
      <VirtualList
        label={trans.__('Runs')}
        rows={runs.listed}
        total={runs.total ?? runs.listed.length}
        rowHeight={rowHeight}
        keyOf={keyOf}
        isOpen={opened.isOpen}
        generation={runs.generation}
        onNearEnd={onNearEnd}
        onRowKey={(event, row, next) => onRowKey(event, row, next, doings)}
        renderRow={(row, tabIndex, index) =>
          row.kind === 'more' ? (
            <MoreRow runs={runs} row={row} height={rowHeight} tabIndex={tabIndex} />
          ) : (
            <RunRow
              runs={runs}
              run={newestOf(live, row.run)}
              level={row.level}
              index={index}
              columns={columns}
              open={opened.isOpen(row)}
              tabIndex={tabIndex}
              renaming={renaming === row.run.run_id}
              nowMs={nowMs}
              order={runs.wish.order?.column ?? null}
              events={events}
              {...stateOf(runs, row.run)}
            />
          )
        }
        renderBody={row => <OpenedRow row={row} doings={doings} />}
      />
    </>
  );
}

function openAt(opened: Opened, run: RunSummary, node: HTMLElement): void {
  opened.toggle(run);
  if (!opened.has(run.run_id)) {
    reveal(node);
  }
}

export function endRename(
  run: RunSummary,
  name: string | null,
  doings: RowDoings,
  setRenaming: (runId: RunId | null) => void
): void {
  setRenaming(null);
  if (name !== null) {
    doings.acts.rename(run, name);
  }
  requestAnimationFrame(() => {
    document
      .querySelector<HTMLElement>(`.mltrack-Row[data-run-id="${run.run_id}"][tabindex="0"]`)
      ?.focus();
  });
}

export function useDoings(
  runs: RunsStore,
  open: (run: RunSummary) => void,
  setRenaming: (runId: RunId) => void,
  onAsk: (asked: Asked) => void
): RowDoings {
  const { actions } = useTools();
  const acts = useActs();
  return {
    runs,
    acts,
    open,
    openPage: run =>
      actions().openPage('run', { workspace: run.workspace_id, runIds: [run.run_id] }),
    rename: run => setRenaming(run.run_id),
    ask: onAsk
  };
}

/** What can be done to the one run that is opened, above its charts. */
function OpenedRow(props: { row: ListedRow; doings: RowDoings }): JSX.Element {
  const { trans } = useTools();
  const { row, doings } = props;
  if (row.kind !== 'run') {
    return <></>;
  }
  const { run } = row;
  const { runs, acts } = doings;
  const link = (label: string, act: () => void): JSX.Element => (
    <button type="button" className="mltrack-Link" onClick={act}>
      {label}
    </button>
  );
  return (
    <>
      <div
        className="mltrack-OpenedActs"
        role="toolbar"
        aria-label={trans.__('Run %1', displayName(run.name))}
      >
        {link(trans.__('Open page'), () => doings.openPage(run))}
        {run.deleted || runs.wish.view === 'deleted' ? (
          link(trans.__('Restore'), () => acts.restore([run]))
        ) : (
          <>
            {link(trans.__('Rename'), () => doings.rename(run))}
            {link(trans.__('Tags'), () => chosenOnly(runs, run, () => doings.ask('tags')))}
            {link(trans.__('Delete'), () => chosenOnly(runs, run, () => doings.ask('delete')))}
          </>
        )}
      </div>
      <OpenedRun run={run} />
    </>
  );
}

/** The time, the same for some seconds: rows that did not change are not drawn again. */
export function useSteadyNow(): number {
  const { store } = useTools();
  const step = store.live.running.length > 0 ? LIVE_TICK_MS : QUIET_TICK_MS;
  return Math.floor(store.clock.now() / step) * step;
}

interface Opened {
  readonly has: (runId: RunId) => boolean;
  readonly isOpen: (row: ListedRow) => boolean;
  readonly toggle: (run: RunSummary) => void;
}

function useOpened(runs: RunsStore): Opened {
  const [opened, setOpened] = React.useState<ReadonlySet<RunId>>(new Set());
  const isOpen = React.useCallback(
    (row: ListedRow) => row.kind === 'run' && opened.has(row.run.run_id),
    [opened]
  );
  const toggle = (run: RunSummary): void => {
    const next = new Set(opened);
    if (!next.delete(run.run_id)) {
      next.add(run.run_id);
    }
    setOpened(next);
  };
  useWanted(runs, setOpened);
  return { isOpen, toggle, has: runId => opened.has(runId) };
}

/** Open the run that somebody asked to see, as soon as it is among the rows, and go to it. */
function useWanted(
  runs: RunsStore,
  setOpened: React.Dispatch<React.SetStateAction<ReadonlySet<RunId>>>
): void {
  const { wanted } = runs;
  const index = runs.listed.findIndex(row => row.kind === 'run' && row.run.run_id === wanted);
  React.useEffect(() => {
    if (wanted === null || index === -1) {
      return;
    }
    runs.wanted = null;
    setOpened(new Set([wanted]));
    requestAnimationFrame(() => {
      const list = document.querySelector('.mltrack-Runs .mltrack-List');
      const row = list?.querySelector<HTMLElement>('.mltrack-Row');
      if (list && row) {
        list.scrollTop = index * row.offsetHeight;
        list.scrollIntoView({ block: 'nearest' });
      }
      requestAnimationFrame(() => {
        list?.querySelector<HTMLElement>(`[data-index="${index}"] > .mltrack-Row`)?.focus();
      });
    });
  }, [runs, wanted, index, setOpened]);
}
