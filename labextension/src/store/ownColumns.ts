/** The columns of a list for which nobody has chosen any. Pure. */
import type { ColumnInfo, RunSummary } from '../types';
import { columnId } from './terms';
import type { ColumnId } from './terms';

/** Rows whose metrics are guessed from. */
const LOOKED_AT = 50;
const MOST_OWN = 30;
/** What of a run itself is shown until somebody chooses. */
const ALWAYS: readonly ColumnId[] = [
  columnId('attributes', 'start_time'),
  columnId('attributes', 'duration')
];

/** Metrics that are shown when none differs. */
const MOST_SAME = 6;

/** The columns that say something of how the runs of a list differ; metrics first. Pure. */
export function differing(columns: readonly ColumnInfo[]): ColumnId[] {
  const all = columns.filter(one => one.kind === 'metrics');
  const metrics = all.filter(one => one.differs);
  const params = columns.filter(one => one.kind === 'params' && one.differs);
  const ordered = [...(metrics.length > 0 ? metrics : all.slice(0, MOST_SAME)), ...params];
  return ordered.slice(0, MOST_OWN).map(one => columnId(one.kind, one.key));
}

/** What the rows themselves have, while the keys of the whole list are awaited. Pure. */
export function guessed(rows: readonly RunSummary[]): ColumnId[] {
  const keys = new Set(rows.slice(0, LOOKED_AT).flatMap(run => run.metrics.map(one => one.key)));
  return [...ALWAYS, ...[...keys].slice(0, MOST_SAME).map(key => columnId('metrics', key))];
}

/** What of the run itself, then what differs. */
export function ownColumns(columns: readonly ColumnInfo[]): ColumnId[] {
  return [...ALWAYS, ...differing(columns)];
}
