/** Which charts a monitor report is drawn as. Pure. */
import type { Pane } from '../chart/panes';
import type { MonitorReport, PredictionMix } from '../types';

export interface PaneWords {
  readonly requests: string;
  readonly errors: string;
  readonly load: string;
  readonly latency: string;
  readonly mix: (name: string) => string;
  readonly rest: string;
}

/** More lines than this in a mix are put together. */
const MOST_LINES = 6;
/** More outputs than this are not drawn. */
const MOST_MIXES = 4;

export function panesOf(report: MonitorReport, words: PaneWords): Pane[] {
  const load = [{ name: words.requests, values: report.counts }];
  if (report.errors > 0) {
    load.push({ name: words.errors, values: report.error_counts });
  }
  return [
    { title: words.load, lines: load },
    {
      title: words.latency,
      lines: [
        { name: 'p50', values: report.p50s_ms },
        { name: 'p95', values: report.p95s_ms }
      ]
    },
    ...report.mixes
      .slice(0, MOST_MIXES)
      .filter(mix => mix.labels.length > 0)
      .map(mix => ({ title: words.mix(mix.name), lines: mixLines(mix, report.counts, words.rest) }))
  ];
}

/** A line for each label, the most frequent first; what is left is one line. */
function mixLines(
  mix: PredictionMix,
  counts: readonly number[],
  rest: string
): { name: string; values: (number | null)[] }[] {
  const lines = mix.labels.map((name, index) => ({
    name,
    // A bucket without a request says nothing about the mix.
    values: (mix.shares[index] ?? []).map((share, at) => (counts[at] ? share : null))
  }));
  const sum = (values: readonly (number | null)[]): number =>
    values.reduce<number>((total, value) => total + (value ?? 0), 0);
  const ordered =
    mix.kind === 'number' ? lines : [...lines].sort((a, b) => sum(b.values) - sum(a.values));
  if (ordered.length <= MOST_LINES || mix.kind === 'number') {
    return ordered;
  }
  const kept = ordered.slice(0, MOST_LINES - 1);
  const others = ordered.slice(MOST_LINES - 1);
  const values = counts.map((count, at) =>
    count ? others.reduce((total, line) => total + (line.values[at] ?? 0), 0) : null
  );
  return [...kept, { name: rest, values }];
}
