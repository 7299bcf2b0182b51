/** The wide table: rows and columns of which only what can be seen is in the page. */
import * as React from 'react';
import { useTools } from '../panel/context';
import { useModel, useTick } from '../panel/hooks';
import { VirtualList } from '../panel/virtualList';
import type { RunsStore } from '../store/runsStore';
import type { ListedRow } from '../store/runTree';
import type { RunId, RunSummary } from '../types';
import { newestOf } from './newest';
import { onRowKey } from './rowKeys';
import {
  MoreRow,
  NameParts,
  RowShell,
  RunError,
  SelectCell,
  StarButton,
  stateOf,
  useEvents
} from './rowParts';
import type { RowProps } from './rowParts';
import { endRename, keyOf, useDoings, useSteadyNow } from './runList';
import { valueCell } from './runRow';
import { place, seenColumns } from './tableColumns';
import type { Placed, TableColumns } from './tableColumns';
import { HEAD_HEIGHT, TableHead } from './tableHead';
import type { Asked } from './toolbar';

const ROW_HEIGHT = 28;
const LIVE_TICK_MS = 1000;
const closed = (): boolean => false;

interface Sideways {
  readonly left: number;
  readonly viewport: number;
}

export function Table(props: { runs: RunsStore; onAsk: (asked: Asked) => void }): JSX.Element {
  const { store, trans } = useTools();
  const { runs } = props;
  const { live } = store;
  useModel(live);
  useModel(runs.columns);
  useTick(LIVE_TICK_MS, live.running.length > 0);
  const [renaming, setRenaming] = React.useState<RunId | null>(null);
  const { sideways, onScrollLeft } = useSideways();
  const doings = useDoings(runs, run => openPage(run), setRenaming, props.onAsk);
  const openPage = (run: RunSummary): void => doings.openPage(run);
  const onNearEnd = React.useCallback(() => void runs.loadMore(), [runs]);
  const nowMs = useSteadyNow();
  const events = useEvents({
    renamed: (run, name) => endRename(run, name, doings, setRenaming),
    open: run => openPage(run)
  });
  const { table, seen } = useColumns(runs, sideways);
  const renderRow = (row: ListedRow, tabIndex: 0 | -1, index: number): JSX.Element =>
    row.kind === 'more' ? (
      <MoreRow runs={runs} row={row} height={ROW_HEIGHT} tabIndex={tabIndex} />
    ) : (
      <TableRow
        runs={runs}
        run={newestOf(live, row.run)}
        level={row.level}
        index={index}
        tabIndex={tabIndex}
        open={undefined}
        renaming={renaming === row.run.run_id}
        nowMs={nowMs}
        events={events}
        {...stateOf(runs, row.run)}
        table={table}
        seen={seen}
      />
    );
  return (
    <VirtualList
      label={trans.__('Runs')}
      rows={runs.listed}
      total={runs.total ?? runs.listed.length}
      rowHeight={ROW_HEIGHT}
      keyOf={keyOf}
      isOpen={closed}
      generation={runs.generation}
      onNearEnd={onNearEnd}
      onRowKey={(event, row, next) => onRowKey(event, row, next, doings)}
      head={<TableHead runs={runs} table={table} seen={seen} />}
      headHeight={HEAD_HEIGHT}
      width={table.width}
      columnCount={table.placed.length + 1}
      onScrollLeft={onScrollLeft}
      renderRow={renderRow}
      renderBody={() => <></>}
    />
  );
}

/** Where columns are and which can be seen; the same objects until that changes. */
function useColumns(
  runs: RunsStore,
  sideways: Sideways
): { table: TableColumns; seen: readonly Placed[] } {
  const { columns } = runs;
  const { shown, widthsVersion } = columns;
  const table = React.useMemo(
    () => place(shown ?? [], column => columns.widthOf(column)),
    // eslint-disable-next-line react-hooks/exhaustive-deps -- widths are kept in a map.
    [shown, columns, widthsVersion]
  );
  const seen = seenColumns(table, sideways.left, sideways.viewport);
  const first = seen[0]?.position;
  const last = seen[seen.length - 1]?.position;
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the same columns are the same list.
  return { table, seen: React.useMemo(() => seen, [table, first, last]) };
}

function useSideways(): {
  sideways: Sideways;
  onScrollLeft: (left: number, viewport: number) => void;
} {
  const [sideways, setSideways] = React.useState<Sideways>({ left: 0, viewport: 0 });
  const onScrollLeft = React.useCallback((left: number, viewport: number) => {
    setSideways(old => (old.left === left && old.viewport === viewport ? old : { left, viewport }));
  }, []);
  return { sideways, onScrollLeft };
}

const TableRow = React.memo(function TableRow(
  props: RowProps & { table: TableColumns; seen: readonly Placed[] }
): JSX.Element {
  const { language } = useTools();
  const { run, table, seen } = props;
  const left = seen[0]?.left ?? 0;
  const now = { ms: props.nowMs, language };
  return (
    <RowShell
      {...props}
      className="mltrack-TableRow"
      style={{ height: ROW_HEIGHT, width: table.width }}
    >
      <div
        role="rowheader"
        className="mltrack-Table-name"
        style={{ width: table.nameWidth }}
        aria-colindex={1}
      >
        <SelectCell {...props} inside />
        <NameParts {...props} />
        <RunError run={run} />
        <StarButton {...props} />
      </div>
      {left > 0 && <span role="none" style={{ flex: 'none', width: left }} />}
      {seen.map(({ column, width, position }) =>
        valueCell({ run, column, now, style: { width }, position })
      )}
    </RowShell>
  );
});
