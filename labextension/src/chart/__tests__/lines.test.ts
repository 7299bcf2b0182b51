import { describe, expect, it } from 'vitest';
import type { Column, RunId, Series } from '../../types';
import { keepIndexes } from '../decimate';
import { SeriesData } from '../merge';
import type { Points } from '../merge';
import { prepare } from '../prepare';
import { smooth } from '../smoothing';
import { sparklinePath } from '../sparkline';

const isRunId = (id: string): id is RunId => id !== '';

function runId(id: string): RunId {
  if (!isRunId(id)) {
    throw new Error('empty');
  }
  return id;
}

function points(key: string, steps: number[], values: (number | null)[]): Points {
  const timestampsMs = steps.map((_, index) => 1000 * index);
  return { key, steps, timestampsMs, values, lastText: '', total: values.length };
}

function column(key: string, steps: number[], values: (number | null)[], total = 0): Column {
  const timestamps_ms = steps.map(step => step * 10);
  return { key, steps, timestamps_ms, values, nonfinite: new Map(), exact: new Map(), total };
}

function series(columns: Column[], cursor: number, reset = false): Series {
  return {
    run_id: runId('r'),
    status: 'RUNNING',
    columns,
    cursor,
    reset,
    hidden_columns: 0,
    note: ''
  };
}

const BY_STEP = { xAxis: 'step', smoothing: 0, logY: false } as const;

describe('SeriesData', () => {
  it('adds what comes after the cursor', () => {
    const data = new SeriesData();
    expect(data.apply(series([column('loss', [0, 1], [1, 0.5])], 7))).toBe(true);
    expect(data.apply(series([column('loss', [2], [0.25])], 9))).toBe(true);
    expect(data.get('loss')).toMatchObject({ steps: [0, 1, 2], values: [1, 0.5, 0.25], total: 3 });
    expect(data.cursor).toBe(9);
  });

  it('drops what it has when the server starts over', () => {
    const data = new SeriesData();
    data.apply(series([column('loss', [0, 1], [1, 0.5]), column('old', [0], [1])], 7));
    data.apply(series([column('loss', [5], [2])], 3, true));
    expect(data.keys).toEqual(['loss']);
    expect(data.get('loss')?.values).toEqual([2]);
  });

  it('says that nothing changed when nothing came', () => {
    const data = new SeriesData();
    data.apply(series([column('loss', [0], [1])], 7));
    expect(data.apply(series([column('loss', [], [])], 7))).toBe(false);
    expect(data.version).toBe(1);
  });

  it('takes names that objects would mistake', () => {
    const data = new SeriesData();
    data.apply(series([column('__proto__', [0], [1]), column('constructor', [0], [2])], 1));
    expect(data.keys).toEqual(['__proto__', 'constructor']);
  });

  it('stays small while points keep coming', () => {
    const data = new SeriesData();
    for (let round = 0; round < 20; round++) {
      const steps = Array.from({ length: 1000 }, (_, index) => round * 1000 + index);
      data.apply(series([column('loss', steps, steps)], round, false));
    }
    const loss = data.get('loss');
    expect(loss?.values.length).toBeLessThanOrEqual(8000);
    expect(loss?.total).toBe(20_000);
    expect(loss?.steps[0]).toBe(0);
    expect(loss?.steps.at(-1)).toBe(19_999);
  });

  it('trusts the server about how many points there are', () => {
    const data = new SeriesData();
    data.apply(series([column('loss', [0, 50], [1, 0.5], 100)], 1));
    expect(data.total).toBe(100);
    data.apply(series([column('loss', [51], [0.4], 101)], 2));
    expect(data.total).toBe(101);
  });
});

describe('keepIndexes', () => {
  it('keeps the ends and every peak', () => {
    const values = Array.from({ length: 1000 }, (_, index) => (index === 517 ? 9 : 0));
    const kept = keepIndexes(values, 100);
    expect(kept.length).toBeLessThanOrEqual(100);
    expect(kept[0]).toBe(0);
    expect(kept.at(-1)).toBe(999);
    expect(kept).toContain(517);
    expect(kept).toEqual([...kept].sort((a, b) => a - b));
  });

  it('leaves short lines alone', () => {
    expect(keepIndexes([1, null, 3], 10)).toEqual([0, 1, 2]);
  });
});

describe('smooth', () => {
  it('does not pull the start towards zero', () => {
    const line = smooth([1, 1, 1], 0.9);
    line.forEach(value => expect(value).toBeCloseTo(1));
  });

  it('keeps gaps as gaps', () => {
    expect(smooth([1, null, 1], 0.5)[1]).toBeNull();
  });

  it('returns the values themselves for weight 0', () => {
    expect(smooth([1, null, 3], 0)).toEqual([1, null, 3]);
  });
});

describe('prepare', () => {
  it('brings lines with different steps onto one axis', () => {
    const prepared = prepare(
      [points('loss', [0, 1, 2, 3], [4, 3, 2, 1]), points('val_loss', [1, 3], [9, 8])],
      BY_STEP
    );
    expect(prepared.x).toEqual([0, 1, 2, 3]);
    expect(prepared.raw).toEqual([
      [4, 3, 2, 1],
      [undefined, 9, undefined, 8]
    ]);
  });

  it('sorts steps that went back; the last value of a step counts', () => {
    const prepared = prepare([points('loss', [0, 2, 1, 2], [1, 2, 3, 4])], BY_STEP);
    expect(prepared.x).toEqual([0, 1, 2]);
    expect(prepared.raw).toEqual([[1, 3, 4]]);
  });

  it('draws over time when steps tell nothing', () => {
    const prepared = prepare([points('loss', [0, 0, 0], [1, 2, 3])], BY_STEP);
    expect(prepared.xKind).toBe('elapsed');
    expect(prepared.x).toEqual([0, 1, 2]);
  });

  it('keeps every point of one millisecond', () => {
    const fast = { ...points('loss', [0, 1, 2], [1, 2, 3]), timestampsMs: [5, 5, 6] };
    const prepared = prepare([fast], { ...BY_STEP, xAxis: 'time' });
    expect(prepared.x).toEqual([0, 1e-6, 1e-3]);
    expect(prepared.raw).toEqual([[1, 2, 3]]);
  });

  it('leaves gaps for what a logarithm has not', () => {
    const prepared = prepare([points('loss', [0, 1, 2], [1, 0, -1])], { ...BY_STEP, logY: true });
    expect(prepared.raw).toEqual([[1, null, null]]);
    expect(prepared.logY).toBe(true);
  });

  it('stays linear when no value is above zero', () => {
    const prepared = prepare([points('loss', [0, 1], [-1, -2])], { ...BY_STEP, logY: true });
    expect(prepared.logY).toBe(false);
    expect(prepared.raw).toEqual([[-1, -2]]);
  });

  it('adds smoothed lines beside the raw ones', () => {
    const prepared = prepare([points('loss', [0, 1], [1, 3])], { ...BY_STEP, smoothing: 0.5 });
    expect(prepared.raw).toEqual([[1, 3]]);
    expect(prepared.smoothed).toHaveLength(1);
  });
});

describe('sparklinePath', () => {
  it('lifts the pen over gaps', () => {
    expect(sparklinePath([0, 1, null, 1], 30, 10)).toBe('M0 10L10 0M30 0');
  });

  it('draws a level line for one value and nothing for none', () => {
    expect(sparklinePath([5], 30, 10)).toBe('M0 5L30 5');
    expect(sparklinePath([null], 30, 10)).toBe('');
  });
});
