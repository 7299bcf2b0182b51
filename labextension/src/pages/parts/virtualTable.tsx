/** A table of which only the rows that can be seen are in the page. Rows have one height. */
import * as React from 'react';
import { useSize } from '../../panel/hooks';
import { windowOf } from '../../panel/virtual';

const ROW_HEIGHT = 24;
const OVERSCAN = 8;
const NEAR_END = 40;

export interface TableColumn<T> {
  readonly name: string;
  readonly head: React.ReactNode;
  /** As in `grid-template-columns`. */
  readonly width: string;
  readonly isNumber?: boolean;
  /** True for the column that names the row. */
  readonly isHead?: boolean;
  readonly cell: (row: T) => React.ReactNode;
}

export interface VirtualTableProps<T> {
  readonly label: string;
  readonly columns: readonly TableColumn<T>[];
  readonly rows: readonly T[];
  /** How many there are in all, for a screen reader. */
  readonly total?: number;
  readonly keyOf: (row: T) => string;
  readonly onNearEnd?: () => void;
}

export function VirtualTable<T>(props: VirtualTableProps<T>): JSX.Element {
  const { label, columns, rows, keyOf, onNearEnd } = props;
  const scroller = React.useRef<HTMLDivElement>(null);
  const { height: viewport } = useSize(scroller);
  const [scrollTop, setScrollTop] = React.useState(0);
  const count = rows.length;
  const seen = windowOf({
    ...{ count, rowHeight: ROW_HEIGHT, extra: [], scrollTop, viewport },
    overscan: OVERSCAN
  });
  React.useEffect(() => {
    if (seen.end + NEAR_END >= count) {
      onNearEnd?.();
    }
  }, [seen.end, count, onNearEnd]);
  const style = { gridTemplateColumns: columns.map(one => one.width).join(' ') };
  return (
    <div
      className="mltrack-Sheet"
      ref={scroller}
      tabIndex={0}
      role="table"
      aria-label={label}
      aria-rowcount={(props.total ?? count) + 1}
      onScroll={event => setScrollTop(event.currentTarget.scrollTop)}
    >
      <div role="row" aria-rowindex={1} className="mltrack-Sheet-heads" style={style}>
        {columns.map(column => (
          <span key={column.name} role="columnheader" className={classOf(column)}>
            {column.head}
          </span>
        ))}
      </div>
      <div role="rowgroup" style={{ height: seen.height }}>
        <div role="presentation" style={{ transform: `translateY(${seen.offset}px)` }}>
          {rows.slice(seen.start, seen.end).map((row, offset) => (
            <div
              key={keyOf(row)}
              role="row"
              aria-rowindex={seen.start + offset + 2}
              className="mltrack-Sheet-row"
              style={{ ...style, height: ROW_HEIGHT }}
            >
              {columns.map(column => (
                <span
                  key={column.name}
                  role={column.isHead === true ? 'rowheader' : 'cell'}
                  className={classOf(column)}
                >
                  {column.cell(row)}
                </span>
              ))}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

function classOf(column: { isNumber?: boolean; isHead?: boolean }): string {
  const number = column.isNumber === true ? ' mltrack-mod-number' : '';
  const head = column.isHead === true ? ' mltrack-mod-head' : '';
  return `mltrack-Sheet-cell${number}${head}`;
}
