import { describe, expect, it } from 'vitest';
import { monitorReport } from '../../modelDecode';
import type { MonitorReport } from '../../types';
import { panesOf } from '../panes';

const WORDS = {
  requests: 'requests',
  errors: 'errors',
  load: 'Requests',
  latency: 'Latency',
  mix: (name: string) => `Answers: ${name}`,
  rest: 'the rest'
};

function report(more: object): MonitorReport {
  return monitorReport(
    {
      endpoint: 'churn',
      since_ms: 0,
      until_ms: 3000,
      bucket_ms: 1000,
      requests: 3,
      errors: 0,
      times_ms: [0, 1000, 2000],
      counts: [2, 0, 1],
      error_counts: [0, 0, 0],
      p50s_ms: [1, null, 2],
      p95s_ms: [3, null, 4],
      ...more
    },
    ''
  );
}

describe('panesOf', () => {
  it('draws errors only where there are some', () => {
    const lines = (more: object): string[] =>
      panesOf(report(more), WORDS)[0]?.lines.map(line => line.name) ?? [];
    expect(lines({})).toEqual(['requests']);
    expect(lines({ errors: 1 })).toEqual(['requests', 'errors']);
  });

  it('says nothing of a mix in a time without requests', () => {
    const mixes = [{ name: 'y', kind: 'category', labels: ['a'], shares: [[1, 0, 0.5]] }];
    const pane = panesOf(report({ mixes }), WORDS)[2];
    expect(pane?.title).toBe('Answers: y');
    expect(pane?.lines[0]?.values).toEqual([1, null, 0.5]);
  });

  it('puts rare categories together', () => {
    const labels = Array.from({ length: 9 }, (_, index) => `c${index}`);
    const shares = labels.map((_, index) => [index / 36, 0, index / 36]);
    const mixes = [{ name: 'y', kind: 'category', labels, shares }];
    const lines = panesOf(report({ mixes }), WORDS)[2]?.lines ?? [];
    expect(lines.map(line => line.name)).toEqual(['c8', 'c7', 'c6', 'c5', 'c4', 'the rest']);
    const total = lines.reduce((sum, line) => sum + (line.values[0] ?? 0), 0);
    expect(total).toBeCloseTo(1);
  });
});

describe('monitorReport', () => {
  it('refuses lists of different lengths', () => {
    expect(() => report({ counts: [1] })).toThrow('equally long');
  });
});
