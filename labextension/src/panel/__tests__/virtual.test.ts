import { describe, expect, it } from 'vitest';
import { rowTop, windowOf } from '../virtual';

const LIST = { count: 10_000, rowHeight: 40, extra: [], viewport: 400, overscan: 5 } as const;

describe('windowOf', () => {
  it('draws what can be seen and a little more', () => {
    expect(windowOf({ ...LIST, scrollTop: 0 })).toEqual({
      start: 0,
      end: 16,
      offset: 0,
      height: 400_000
    });
    expect(windowOf({ ...LIST, scrollTop: 4000 })).toMatchObject({ start: 95, end: 116 });
  });

  it('never draws more than a screen, however long the list', () => {
    for (const scrollTop of [0, 12_345, 399_600, 1e9]) {
      const { start, end } = windowOf({ ...LIST, scrollTop });
      expect(end - start).toBeLessThanOrEqual(21);
    }
  });

  it('makes room for opened rows', () => {
    const extra = [[2, 600]] as const;
    const seen = windowOf({ ...LIST, extra, scrollTop: 700, overscan: 0 });
    expect(seen).toMatchObject({ start: 2, height: 400_600 });
    expect(seen.offset).toBe(80);
    expect(rowTop(3, 40, extra)).toBe(720);
  });

  it('has nothing to draw for an empty list', () => {
    expect(windowOf({ ...LIST, count: 0, scrollTop: 0 })).toMatchObject({ start: 0, end: 0 });
  });
});
