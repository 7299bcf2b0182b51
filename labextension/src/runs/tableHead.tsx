/** The heads of a wide table: sort by them, and draw their edges to make them wider. */
import { caretDownIcon, caretUpIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { Name } from '../panel/bits';
import { useTools } from '../panel/context';
import { NARROWEST_PX, WIDEST_PX } from '../store/columnsStore';
import type { RunsStore } from '../store/runsStore';
import { isSortable } from '../store/terms';
import type { ColumnId } from '../store/terms';
import { displayName } from '../text';
import { NAME } from './cells';
import { columnWord, NEWEST, sortBy } from './sortChoice';
import type { Placed, TableColumns } from './tableColumns';

export const HEAD_HEIGHT = 30;
const KEY_STEP_PX = 16;

export function TableHead(props: {
  runs: RunsStore;
  table: TableColumns;
  seen: readonly Placed[];
}): JSX.Element {
  const { trans } = useTools();
  const { runs, table, seen } = props;
  const ids = runs.listedIds;
  const all = ids.length > 0 && ids.every(id => runs.selected.has(id));
  return (
    <div
      role="row"
      className="mltrack-Table-heads"
      style={{ width: table.width, height: HEAD_HEIGHT }}
    >
      <Head runs={runs} column={NAME} width={table.nameWidth} position={0}>
        <input
          type="checkbox"
          checked={all}
          ref={node => {
            if (node !== null) {
              node.indeterminate = !all && runs.selected.size > 0;
            }
          }}
          aria-label={trans.__('Select all runs that are loaded')}
          title={trans.__('Select all runs that are loaded')}
          onChange={() => (all ? runs.selectNone() : runs.selectAll())}
        />
      </Head>
      <span role="none" style={{ flex: `none`, width: seen[0]?.left ?? 0 }} />
      {seen.map(({ column, width, position }) => (
        <Head key={column} runs={runs} column={column} width={width} position={position} />
      ))}
    </div>
  );
}

function Head(props: {
  runs: RunsStore;
  column: ColumnId;
  width: number;
  position: number;
  children?: React.ReactNode;
}): JSX.Element {
  const { trans } = useTools();
  const { runs, column, width, position } = props;
  const order = runs.wish.order ?? NEWEST;
  const sorted = order.column === column;
  const way = order.ascending ? 'ascending' : 'descending';
  const Icon = order.ascending ? caretUpIcon : caretDownIcon;
  const word = columnWord(column, trans);
  return (
    <div
      role="columnheader"
      className="mltrack-Table-head"
      data-column={position === 0 ? 'name' : undefined}
      style={{ width }}
      aria-colindex={position + 1}
      aria-sort={sorted ? way : 'none'}
    >
      {props.children}
      {isSortable(column) ? (
        <button
          type="button"
          className="mltrack-Table-sort"
          title={trans.__('Sort by %1', displayName(word))}
          onClick={() => sortBy(runs, column)}
        >
          <Name text={word} />
          {sorted && <Icon.react tag="span" className="mltrack-Table-way" aria-hidden="true" />}
        </button>
      ) : (
        <Name text={word} className="mltrack-Table-sort" />
      )}
      <Edge runs={runs} column={column} width={width} />
    </div>
  );
}

/** The right edge of a column: drawn with the mouse, moved by arrow keys. */
function Edge(props: { runs: RunsStore; column: ColumnId; width: number }): JSX.Element {
  const { trans } = useTools();
  const { runs, column, width } = props;
  const { columns } = runs;
  const from = React.useRef<{ x: number; width: number } | null>(null);
  const end = (): void => {
    if (from.current !== null) {
      from.current = null;
      columns.keepWidths();
    }
  };
  return (
    <span
      role="separator"
      className="mltrack-Table-edge"
      aria-orientation="vertical"
      aria-label={trans.__('Width of %1', displayName(columnWord(column, trans)))}
      aria-valuenow={width}
      aria-valuemin={NARROWEST_PX}
      aria-valuemax={WIDEST_PX}
      tabIndex={0}
      onPointerDown={event => {
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
        from.current = { x: event.clientX, width };
      }}
      onPointerMove={event => {
        if (from.current !== null) {
          columns.setWidth(column, from.current.width + event.clientX - from.current.x);
        }
      }}
      onPointerUp={end}
      onPointerCancel={end}
      onKeyDown={event => {
        const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
        if (step !== 0) {
          event.preventDefault();
          event.stopPropagation();
          columns.setWidth(column, width + step * KEY_STEP_PX);
          columns.keepWidths();
        }
      }}
    />
  );
}
