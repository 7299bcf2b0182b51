/**
 * A list of which only what can be seen is in the page. Rows have one height; an opened row has
 * what it holds below it. Arrow keys move between rows, one of which is in the tab order.
 */
import * as React from 'react';
import { useSize } from './hooks';
import { rowTop, windowOf } from './virtual';
import type { Window } from './virtual';

const OVERSCAN = 6;
/** Ask for more when this many rows are left below. */
const NEAR_END = 30;

export interface VirtualListProps<T> {
  readonly label: string;
  readonly rows: readonly T[];
  /** How many there are in all, for a screen reader. */
  readonly total: number;
  readonly rowHeight: number;
  readonly keyOf: (row: T) => string;
  readonly isOpen: (row: T) => boolean;
  /** An element of role `row` and class `mltrack-Row`. */
  readonly renderRow: (row: T, tabIndex: 0 | -1, index: number) => React.ReactElement;
  /** What an opened row shows below itself. */
  readonly renderBody: (row: T) => React.ReactElement;
  readonly onNearEnd: () => void;
  /** A key on a row; true when that was all there is to do. */
  readonly onRowKey: (event: React.KeyboardEvent, row: T, next: T | null) => boolean;
  /** Rows are others when this changes: the list is shown from its top. */
  readonly generation: number;
  /** Stays above the rows, which go below it; with its height. */
  readonly head?: React.ReactElement;
  readonly headHeight?: number;
  /** Width of the rows where that is more than can be seen. */
  readonly width?: number;
  /** Of a table, whose columns may not all be in the page. */
  readonly columnCount?: number;
  readonly onScrollLeft?: (left: number, viewport: number) => void;
}

export function VirtualList<T>(props: VirtualListProps<T>): JSX.Element {
  const { rows, generation } = props;
  const scroller = React.useRef<HTMLDivElement>(null);
  const { seen, extra, onScroll, onMeasure } = useWindow(props, scroller);
  const roving = useRoving(props, extra, scroller, seen);
  const { setActive } = roving;
  useSideways(props, scroller);
  React.useLayoutEffect(() => {
    if (scroller.current !== null) {
      scroller.current.scrollTop = 0;
      setActive(0);
    }
  }, [generation, setActive]);
  return (
    <div
      className="mltrack-List"
      ref={scroller}
      onScroll={event => onScroll(event.currentTarget)}
      onKeyDown={roving.onKeyDown}
    >
      <div
        role="treegrid"
        aria-label={props.label}
        aria-rowcount={props.total}
        aria-colcount={props.columnCount}
        aria-multiselectable="true"
        style={{ width: props.width }}
      >
        {props.head !== undefined && (
          <div role="rowgroup" className="mltrack-List-head">
            {props.head}
          </div>
        )}
        <div role="rowgroup" style={{ height: seen.height }}>
          <div role="none" style={{ transform: `translateY(${seen.offset}px)` }}>
            {rows.slice(seen.start, seen.end).map((row, offset) => (
              <Item
                key={props.keyOf(row)}
                list={props}
                row={row}
                index={seen.start + offset}
                roving={roving}
                onMeasure={onMeasure}
              />
            ))}
          </div>
        </div>
      </div>
    </div>
  );
}

/** A row, and what it holds when it is opened. */
function Item<T>(props: {
  list: VirtualListProps<T>;
  row: T;
  index: number;
  roving: Roving;
  onMeasure: (key: string, height: number) => void;
}): JSX.Element {
  const { list, row, index, roving } = props;
  return (
    <div role="none" data-index={index} onFocus={() => roving.setActive(index)}>
      {list.renderRow(row, index === roving.tabStop ? 0 : -1, index)}
      {list.isOpen(row) && (
        <Measured name={list.keyOf(row)} onMeasure={props.onMeasure}>
          {list.renderBody(row)}
        </Measured>
      )}
    </div>
  );
}

/** Tells how far a list is scrolled sideways, and how much of it can be seen. */
function useSideways<T>(
  props: VirtualListProps<T>,
  scroller: React.RefObject<HTMLDivElement>
): void {
  const { onScrollLeft } = props;
  const { width } = useSize(scroller);
  React.useLayoutEffect(() => {
    if (scroller.current !== null) {
      onScrollLeft?.(scroller.current.scrollLeft, width);
    }
  }, [onScrollLeft, scroller, width]);
}

interface Windowed {
  seen: Window;
  extra: readonly (readonly [number, number])[];
  onScroll: (scroller: HTMLElement) => void;
  onMeasure: (key: string, height: number) => void;
}

/** What is in sight, from the scroll position and the measured heights of opened rows. */
function useWindow<T>(
  props: VirtualListProps<T>,
  scroller: React.RefObject<HTMLDivElement>
): Windowed {
  const { rows, rowHeight, keyOf, isOpen, onNearEnd, onScrollLeft } = props;
  const { height: viewport } = useSize(scroller);
  const [scrollTop, setScrollTop] = React.useState(0);
  const [heights, setHeights] = React.useState<ReadonlyMap<string, number>>(new Map());
  const extra = React.useMemo(
    () =>
      rows.flatMap((row, index) =>
        isOpen(row) ? [[index, heights.get(keyOf(row)) ?? 0] as const] : []
      ),
    [rows, heights, isOpen, keyOf]
  );
  const count = rows.length;
  const seen = windowOf({ count, rowHeight, extra, scrollTop, viewport, overscan: OVERSCAN });
  React.useEffect(() => {
    if (seen.end + NEAR_END >= count) {
      onNearEnd();
    }
  }, [seen.end, count, onNearEnd]);
  const onMeasure = React.useCallback((key: string, height: number) => {
    setHeights(old => (old.get(key) === height ? old : new Map(old).set(key, height)));
  }, []);
  const onScroll = (node: HTMLElement): void => {
    setScrollTop(node.scrollTop);
    // What stays in sight on the way sideways is a layer for each row: not before there is a way.
    node.classList.toggle('mltrack-mod-sideways', node.scrollLeft > 0);
    onScrollLeft?.(node.scrollLeft, node.clientWidth);
  };
  return { seen, extra, onScroll, onMeasure };
}

interface Roving {
  /** Index of the row in the tab order. */
  tabStop: number;
  setActive: (index: number) => void;
  onKeyDown: (event: React.KeyboardEvent) => void;
}

/** Arrow keys, Home and End on the rows themselves; keys inside a row stay there. */
function useRoving<T>(
  props: VirtualListProps<T>,
  extra: readonly (readonly [number, number])[],
  scroller: React.RefObject<HTMLDivElement>,
  seen: { start: number; end: number }
): Roving {
  const { rows, rowHeight, headHeight = 0 } = props;
  const [active, setActive] = React.useState(0);
  const wanted = React.useRef<number | null>(null);
  const tabStop = active >= seen.start && active < seen.end ? active : seen.start;
  React.useEffect(() => {
    const row = wanted.current === null ? null : findRow(scroller.current, wanted.current);
    if (row !== null) {
      wanted.current = null;
      row.focus({ preventScroll: true });
    }
  });
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const target = event.target;
    if (!(target instanceof HTMLElement) || !target.classList.contains('mltrack-Row')) {
      return;
    }
    const next = nextIndex(event.key, tabStop, rows.length);
    const row = rows[tabStop];
    if (row !== undefined && props.onRowKey(event, row, rows[next ?? -1] ?? null)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const node = scroller.current;
    if (next === null || node === null) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    wanted.current = next;
    const top = rowTop(next, rowHeight, extra);
    if (top < node.scrollTop) {
      node.scrollTop = top;
    } else if (top + rowHeight + headHeight > node.scrollTop + node.clientHeight) {
      node.scrollTop = top + rowHeight + headHeight - node.clientHeight;
    }
    setActive(next);
  };
  return { tabStop, setActive, onKeyDown };
}

/** Where a key leads to in a list; null when it leads nowhere. */
export function nextIndex(key: string, index: number, count: number): number | null {
  switch (key) {
    case 'ArrowDown':
      return Math.min(index + 1, count - 1);
    case 'ArrowUp':
      return Math.max(index - 1, 0);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}

function findRow(root: HTMLElement | null, index: number): HTMLElement | null {
  return root?.querySelector<HTMLElement>(`[data-index="${index}"] > .mltrack-Row`) ?? null;
}

function Measured(props: {
  name: string;
  onMeasure: (name: string, height: number) => void;
  children: React.ReactNode;
}): JSX.Element {
  const { name, onMeasure } = props;
  const ref = React.useRef<HTMLDivElement>(null);
  const { height } = useSize(ref);
  React.useLayoutEffect(() => {
    if (height > 0) {
      onMeasure(name, height);
    }
  }, [name, height, onMeasure]);
  return (
    <div ref={ref} className="mltrack-Opened" role="row">
      <div role="gridcell">{props.children}</div>
    </div>
  );
}
