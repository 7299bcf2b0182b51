/** The two axes of a chart: how far they reach, where their ticks are, what stands at them. Pure. */
import type uPlot from 'uplot';
import { formatDuration, formatNumber } from '../format';
import type { Prepared, XKind } from './prepare';
import type { ChartTheme } from './theme';

/** Counts, times and shares over the day begin at zero; metrics fill the chart. */
export function yScale(prepared: Prepared): uPlot.Scale {
  if (prepared.xKind === 'clock') {
    return { distr: 1, range: (_plot, _min, max) => [0, max > 0 ? max * 1.08 : 1] };
  }
  return { distr: prepared.logY ? 3 : 1 };
}

/** Points that are nearer than a millisecond stand at one place; no axis has ticks between them. */
const SAME_INSTANT = 1e-3;

/** From the first to the last point; one point alone stands in the middle. */
export function wholeRange(x: ArrayLike<number>): uPlot.Range.MinMax {
  const first = x[0] ?? 0;
  const last = x[x.length - 1] ?? 1;
  if (x.length === 1) {
    return [first - 1, first + 1];
  }
  return last - first < SAME_INSTANT ? [first - 0.5, last + 0.5] : [first, last];
}

export function axes(prepared: Prepared, theme: ChartTheme): uPlot.Axis[] {
  const { xKind, factor } = prepared;
  const common = {
    stroke: theme.text,
    font: theme.font,
    grid: { stroke: theme.grid, width: 1 },
    ticks: { stroke: theme.grid, width: 1, size: 4 }
  };
  return [
    {
      ...common,
      size: 24,
      gap: 3,
      space: 40,
      ...(xKind === 'step' ? { incrs: STEPS } : {}),
      ...(xKind === 'clock' || xKind === 'wall' ? { incrs: CLOCK_STEPS } : {}),
      values: (_, splits) => xLabels(splits, xKind)
    },
    {
      ...common,
      gap: 3,
      space: 28,
      size: (_, values) => ySize(values ?? []),
      values: (_, splits) =>
        splits.map(value => (value === null ? '' : formatNumber(value / factor)))
    }
  ];
}

function xLabels(splits: readonly number[], xKind: XKind): string[] {
  switch (xKind) {
    case 'step':
    case 'value':
      return splits.map(one => formatNumber(one));
    case 'elapsed':
      return elapsed(splits);
    case 'clock':
    case 'wall':
      return clock(splits);
  }
}

const DAY_S = 86_400;
const MINUTE_S = 60;

/** Two numbers of two digits, from a time or a date. */
function pair(a: number, b: number, mark: string): string {
  return `${String(a).padStart(2, '0')}${mark}${String(b).padStart(2, '0')}`;
}

/** The time of day, or the date where ticks are a day or more apart, or with seconds where less. */
function clock(splits: readonly number[]): string[] {
  const [first = 0, second = first + 1] = splits;
  return splits.map(value => {
    const at = new Date(value * 1000);
    if (second - first >= DAY_S) {
      return pair(at.getMonth() + 1, at.getDate(), '-');
    }
    const minute = pair(at.getHours(), at.getMinutes(), ':');
    return second - first < MINUTE_S
      ? `${minute}:${String(at.getSeconds()).padStart(2, '0')}`
      : minute;
  });
}

/** Ticks of a clock: seconds that people count in. */
const CLOCK_STEPS = [
  1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200
].concat([1, 2, 7, 14, 28].map(days => days * DAY_S));

/** Seconds as `01:40`, or with fractions where ticks are closer than a second. */
function elapsed(splits: readonly number[]): string[] {
  const [first = 0, second = first + 1] = splits;
  return splits.map(value =>
    second - first < 1 ? `${formatNumber(value, '', 3)} s` : formatDuration(value * 1000)
  );
}

/** Ticks of steps are whole numbers. */
const STEPS = [1, 2, 5]
  .flatMap(first => Array.from({ length: 13 }, (_, power) => first * 10 ** power))
  .sort((a, b) => a - b);

/** Room for the longest number of the y axis. */
function ySize(values: readonly (string | null)[]): number {
  const longest = values.reduce((most, value) => Math.max(most, value?.length ?? 0), 0);
  return Math.max(28, 12 + longest * 6);
}
