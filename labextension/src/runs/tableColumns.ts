/** Where the columns of a wide table are, and which of them can be seen. Pure. */
import { termOf } from '../store/terms';
import type { ColumnId } from '../store/terms';
import { NAME } from './cells';

const NAME_PX = 280;
const NUMBER_PX = 96;
const TEXT_PX = 120;
/** Columns drawn on each side of what can be seen. */
const OVERSCAN = 2;

export interface Placed {
  readonly column: ColumnId;
  readonly width: number;
  /** From the left edge of the first column behind the name. */
  readonly left: number;
  /** 1 for the first column behind the name. */
  readonly position: number;
}

export interface TableColumns {
  readonly nameWidth: number;
  readonly placed: readonly Placed[];
  /** Of the whole table. */
  readonly width: number;
}

export function ownWidth(column: ColumnId): number {
  if (column === NAME) {
    return NAME_PX;
  }
  return termOf(column)?.kind === 'metrics' ? NUMBER_PX : TEXT_PX;
}

export function place(
  columns: readonly ColumnId[],
  widthOf: (column: ColumnId) => number | null
): TableColumns {
  const nameWidth = widthOf(NAME) ?? ownWidth(NAME);
  let left = 0;
  const placed = columns.map((column, index) => {
    const width = widthOf(column) ?? ownWidth(column);
    const one = { column, width, left, position: index + 1 };
    left += width;
    return one;
  });
  return { nameWidth, placed, width: nameWidth + left };
}

/** The columns that can be seen beside the name, which stays in its place. */
export function seenColumns(
  table: TableColumns,
  scrollLeft: number,
  viewport: number
): readonly Placed[] {
  const right = scrollLeft + Math.max(0, viewport - table.nameWidth);
  const { placed } = table;
  const first = placed.findIndex(one => one.left + one.width > scrollLeft);
  if (first === -1) {
    return [];
  }
  const behind = placed.findIndex(one => one.left >= right);
  const end = behind === -1 ? placed.length : behind;
  return placed.slice(Math.max(0, first - OVERSCAN), end + OVERSCAN);
}
