/** The panel's list of runs: filter, rows, what can be done to them. */
import * as React from 'react';
import { ColumnChooser } from '../runs/columnChooser';
import { DeleteQuestion, TagEditor } from '../runs/asked';
import { FilterBox } from '../runs/filterBox';
import { openTableIcon } from '../runs/icons';
import { RegisterAsked } from '../runs/registerAsked';
import { RunList } from '../runs/runList';
import { NARROW_ROW_HEIGHT } from '../runs/runRow';
import { Toolbar } from '../runs/toolbar';
import type { Asked } from '../runs/toolbar';
import { guessed } from '../store/ownColumns';
import type { RunsStore } from '../store/runsStore';
import { isAsked, termOf } from '../store/terms';
import type { ColumnId } from '../store/terms';
import type { RunSummary } from '../types';
import { InsertButton, Skeleton } from './bits';
import { useTools } from './context';
import { useModel, useSize, useTick } from './hooks';

/** From this width on a run is one line with columns. */
const WIDE_PX = 480;
const COLUMN_PX = 88;
const FIXED_PX = 250;
const TICK_MS = 15_000;
const SKELETON_ROWS = 4;

export function RunsSection(): JSX.Element {
  const { store } = useTools();
  const { runs } = store;
  const root = React.useRef<HTMLDivElement>(null);
  const { width } = useSize(root);
  const [asked, setAsked] = React.useState<Asked>(null);
  useModel(runs);
  useTick(TICK_MS, true);
  const columns = useColumns(runs, width);
  return (
    <div className="mltrack-Runs" ref={root}>
      <div className="mltrack-Search">
        <FilterBox runs={runs} />
        <ColumnChooser runs={runs} />
        <OpenTable runs={runs} />
      </div>
      <Toolbar runs={runs} asked={asked} onAsk={setAsked} sorts />
      <AskedPart runs={runs} asked={asked} onDone={() => setAsked(null)} />
      {!runs.loaded && runs.rows.length === 0 ? (
        <Skeleton rows={SKELETON_ROWS} rowHeight={NARROW_ROW_HEIGHT} />
      ) : runs.rows.length === 0 ? (
        runs.problem === null && <EmptyRuns runs={runs} />
      ) : (
        <RunList runs={runs} columns={columns} onAsk={setAsked} />
      )}
    </div>
  );
}

/** The columns that fit; the rows are asked to hold them. Null where it is narrow. */
function useColumns(runs: RunsStore, width: number): readonly ColumnId[] | null {
  const { columns } = runs;
  useModel(columns);
  const wide = width >= WIDE_PX;
  const fits = Math.max(1, Math.floor((width - FIXED_PX) / COLUMN_PX));
  const all = columns.shown;
  const { rows } = runs;
  const rowsNow = React.useRef(rows);
  rowsNow.current = rows;
  const shown = React.useMemo(
    () => (wide ? (all ?? guessed(rows)).slice(0, fits) : null),
    [wide, all, rows, fits]
  );
  const order = runs.wish.order?.column ?? null;
  React.useEffect(() => {
    if (wide) {
      columns.need();
    }
    runs.hold(heldBy(all === null ? null : shown, order, rowsNow.current));
  }, [runs, columns, wide, all, shown, order]);
  return shown;
}

/** What rows are asked to hold: what is shown, and what they are sorted by. */
function heldBy(
  shown: readonly ColumnId[] | null,
  order: ColumnId | null,
  rows: readonly RunSummary[]
): readonly ColumnId[] | null {
  if (shown !== null) {
    return [...shown, order ?? ''].filter(isAsked);
  }
  // Main metrics come unasked, and with them the metric of the order; nothing else does.
  const kind = order === null ? null : termOf(order)?.kind;
  return order !== null && (kind === 'params' || kind === 'tags')
    ? [order, ...guessed(rows).filter(isAsked)]
    : null;
}

/** What is asked about the chosen runs; gone when none is chosen. */
export function AskedPart(props: {
  runs: RunsStore;
  asked: Asked;
  onDone: () => void;
}): JSX.Element | null {
  const { runs, asked, onDone } = props;
  const chosen = runs.selectedRuns;
  const none = chosen.length === 0;
  React.useEffect(() => {
    if (none && asked !== null) {
      onDone();
    }
  }, [none, asked, onDone]);
  if (none || asked === null) {
    return null;
  }
  switch (asked) {
    case 'delete':
      return <DeleteQuestion chosen={chosen} onDone={onDone} />;
    case 'tags':
      return <TagEditor runs={runs} chosen={chosen} onDone={onDone} />;
    case 'register':
      return <RegisterAsked runs={runs} chosen={chosen} onDone={onDone} />;
  }
}

/** The same list in the main area, with all columns. */
function OpenTable(props: { runs: RunsStore }): JSX.Element | null {
  const { trans, actions } = useTools();
  const { workspace, shownExperiment: experiment, search } = props.runs;
  const label = trans.__('Open as a table');
  return (
    <button
      type="button"
      className="mltrack-IconButton"
      title={label}
      aria-label={label}
      disabled={workspace === null}
      onClick={() =>
        workspace !== null && actions().openPage('runs', { workspace, experiment, search })
      }
    >
      <openTableIcon.react tag="span" aria-hidden="true" />
    </button>
  );
}

export function EmptyRuns(props: { runs: RunsStore }): JSX.Element {
  const { store, trans } = useTools();
  const { search, wish } = props.runs;
  useModel(store.live);
  useModel(store);
  const line = (words: string): JSX.Element => (
    <div className="mltrack-Empty">
      <p className="mltrack-Empty-line">{words}</p>
    </div>
  );
  if (search.trim() !== '') {
    return line(trans.__('No run fits the search.'));
  }
  if (wish.view === 'starred') {
    return line(trans.__('No run has a star yet.'));
  }
  if (wish.view === 'deleted') {
    return line(trans.__('No run was deleted.'));
  }
  return (
    <div className="mltrack-Empty">
      <p className="mltrack-Empty-line">
        {trans.__('No runs yet. A cell that begins with %1 becomes the first one.', '%%track')}
      </p>
      {/* The Live section has the button when nothing runs. */}
      {store.live.runs.length > 0 && <InsertButton />}
    </div>
  );
}
