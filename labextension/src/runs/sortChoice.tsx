/** What a list is sorted by, and which way; heads of columns do the same. */
import { caretDownIcon, caretUpIcon, HTMLSelect } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import type { RunsStore } from '../store/runsStore';
import { columnId, isSortable, termOf } from '../store/terms';
import type { ColumnId, Order } from '../store/terms';
import { displayName, readableKey, shortenMiddle } from '../text';
import { NAME, STARTED, STATUS } from './cells';

const LONGEST_OPTION = 40;
const ENDED = columnId('attributes', 'end_time');
/** The order of a list that nobody has sorted. */
export const NEWEST: Order = { column: STARTED, ascending: false };

/** What a column is called. */
export function columnWord(column: ColumnId, trans: TranslationBundle): string {
  switch (column) {
    case NAME:
      return trans.__('name');
    case STARTED:
      return trans.__('started');
    case ENDED:
      return trans.__('ended');
    case STATUS:
      return trans.__('status');
    case columnId('attributes', 'duration'):
      return trans.__('took');
    case columnId('attributes', 'user'):
      return trans.__('user');
    case columnId('attributes', 'experiment'):
      return trans.__('experiment');
    default:
      return readableKey(termOf(column)?.key ?? column);
  }
}

/** Sort by a column; once more turns the order around. */
export function sortBy(runs: RunsStore, column: ColumnId): void {
  const { order } = runs.wish;
  const now = order ?? NEWEST;
  // Newest and highest first: that is what people look for.
  const ascending = now.column === column ? !now.ascending : column === NAME;
  setOrder(runs, { column, ascending });
}

function setOrder(runs: RunsStore, order: Order): void {
  const plain = order.column === STARTED && !order.ascending;
  runs.setWish({ order: plain ? null : order });
}

export function SortChoice(props: { runs: RunsStore }): JSX.Element {
  const { trans } = useTools();
  const { runs } = props;
  useModel(runs.columns);
  const { column, ascending } = runs.wish.order ?? NEWEST;
  const known = runs.columns.known?.columns ?? [];
  const keys = known
    .filter(one => one.kind !== 'tags')
    .map(one => columnId(one.kind, one.key))
    .filter(isSortable);
  const fixed = [STARTED, NAME, STATUS, ENDED];
  const others = [...new Set([...fixed, ...keys, column])].slice(fixed.length);
  const way = ascending ? trans.__('ascending') : trans.__('descending');
  const Icon = ascending ? caretUpIcon : caretDownIcon;
  return (
    <span className="mltrack-Sort">
      <HTMLSelect
        className="mltrack-Select"
        aria-label={trans.__('Sort by')}
        title={trans.__('Sort by')}
        value={column}
        onFocus={() => runs.columns.need()}
        onMouseDown={() => runs.columns.need()}
        onChange={event => setOrder(runs, { column: event.currentTarget.value, ascending: false })}
      >
        {[...fixed, ...others].map(one => (
          <option key={one} value={one}>
            {displayName(shortenMiddle(columnWord(one, trans), LONGEST_OPTION))}
          </option>
        ))}
      </HTMLSelect>
      <button
        type="button"
        className="mltrack-IconButton"
        title={trans.__('Sorted %1: turn around', way)}
        aria-label={trans.__('Sorted %1: turn around', way)}
        onClick={() => setOrder(runs, { column, ascending: !ascending })}
      >
        <Icon.react tag="span" aria-hidden="true" />
      </button>
    </span>
  );
}
