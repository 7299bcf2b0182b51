/** Which rows of a long list to draw, when some of them are opened and taller. Pure. */

export interface Window {
  /** First row to draw. */
  start: number;
  /** Behind the last row to draw. */
  end: number;
  /** Where the first one begins, in pixels from the top. */
  offset: number;
  /** Height of the whole list in pixels. */
  height: number;
}

export interface WindowOptions {
  count: number;
  rowHeight: number;
  /** What a row has beyond `rowHeight`, by its index; ascending. */
  extra: readonly (readonly [index: number, extraHeight: number])[];
  scrollTop: number;
  viewport: number;
  /** Rows drawn above and below what can be seen. */
  overscan: number;
}

/** Top of a row in pixels. */
export function rowTop(
  index: number,
  rowHeight: number,
  extra: readonly (readonly [number, number])[]
): number {
  return extra.reduce(
    (top, [opened, height]) => (opened < index ? top + height : top),
    index * rowHeight
  );
}

export function windowOf(options: WindowOptions): Window {
  const { count, rowHeight, extra, scrollTop, viewport, overscan } = options;
  const first = indexAt(scrollTop, options);
  const last = indexAt(scrollTop + viewport, options);
  const start = Math.max(0, first - overscan);
  const end = Math.min(count, last + 1 + overscan);
  return {
    start,
    end,
    offset: rowTop(start, rowHeight, extra),
    height: rowTop(count, rowHeight, extra)
  };
}

/** The row that covers a height, found by walking over the opened rows. */
function indexAt(top: number, options: WindowOptions): number {
  const { count, rowHeight, extra } = options;
  let shift = 0;
  for (const [index, height] of extra) {
    const ends = (index + 1) * rowHeight + shift + height;
    if (top < ends) {
      return clamp(Math.min(index, Math.floor((top - shift) / rowHeight)), count);
    }
    shift += height;
  }
  return clamp(Math.floor((top - shift) / rowHeight), count);
}

function clamp(index: number, count: number): number {
  return Math.max(0, Math.min(index, count - 1));
}
