/** From points to what uPlot draws: one ascending x for all lines of a chart. Pure. */
import type { Points } from './merge';
import { smooth } from './smoothing';

export interface PrepareOptions {
  /**
   * `time` since the first point; `clock` by the time of day, for counts that begin at zero; `wall`
   * by the time of day too, for metrics; `value` where the steps are numbers of something else.
   */
  readonly xAxis: 'step' | 'time' | 'clock' | 'wall' | 'value';
  /** 0 for none to 0.99. */
  readonly smoothing: number;
  readonly logY: boolean;
  /** What `time` counts from, where it is not the first of the points. */
  readonly startMs?: number;
}

/** What `x` is: steps, seconds since the first point, seconds since the epoch, or another number. */
export type XKind = 'step' | 'elapsed' | 'clock' | 'wall' | 'value';

/** A part of the horizontal axis. */
export interface ZoomRange {
  readonly kind: XKind;
  readonly min: number;
  readonly max: number;
  /** What `elapsed` counts from. */
  readonly startMs: number;
}

/** null is a gap in the line, undefined means that this line has no point at this x. */
export type Line = (number | null | undefined)[];

export interface Prepared {
  xKind: XKind;
  x: number[];
  /** For each metric its line as it was logged. */
  raw: Line[];
  /** For each metric its smoothed line; empty when nothing is smoothed. */
  smoothed: Line[];
  /** False when it was asked for but no value is above 0. */
  logY: boolean;
  /** When the first of all points was logged: what `elapsed` counts from. */
  startMs: number;
  /** Lines are the values times this: their differences are numbers even where the values end. */
  factor: number;
}

/** Within these a chart draws values as they are. */
const PLAIN_MOST = 1e15;
const PLAIN_LEAST = 1e-15;

interface Ordered {
  x: number[];
  y: (number | null)[];
}

export function prepare(metrics: readonly Points[], options: PrepareOptions): Prepared {
  const xKind = xKindOf(metrics, options);
  const startMs =
    options.startMs ?? Math.min(...metrics.map(points => smallest(points.timestampsMs)));
  const logY = options.logY && metrics.some(points => points.values.some(isPositive));
  const factor = factorOf(metrics);
  const ordered = metrics.map(points => scale(order(points, xKind, startMs), factor));
  const drawn = ordered.map(({ x, y }) => ({
    x,
    raw: logY ? y.map(value => (isPositive(value) ? value : null)) : y,
    smoothed: options.smoothing > 0 ? smoothLine(y, options.smoothing, logY) : []
  }));
  const x = union(drawn.map(line => line.x));
  return {
    xKind,
    x,
    raw: drawn.map(line => spread(x, line.x, line.raw)),
    smoothed: options.smoothing > 0 ? drawn.map(line => spread(x, line.x, line.smoothed)) : [],
    logY,
    startMs: Number.isFinite(startMs) ? startMs : 0,
    factor
  };
}

/** 1, or the power of ten that brings very large or very small values near to it. */
function factorOf(metrics: readonly Points[]): number {
  let most = 0;
  for (const { values } of metrics) {
    for (const value of values) {
      most = Math.max(most, Math.abs(value ?? 0));
    }
  }
  const plain = most === 0 || (most <= PLAIN_MOST && most >= PLAIN_LEAST);
  return plain ? 1 : 10 ** -Math.floor(Math.log10(most));
}

function scale(line: Ordered, factor: number): Ordered {
  return factor === 1
    ? line
    : { x: line.x, y: line.y.map(value => (value === null ? null : value * factor)) };
}

function xKindOf(metrics: readonly Points[], options: PrepareOptions): XKind {
  if (options.xAxis === 'clock' || options.xAxis === 'wall' || options.xAxis === 'value') {
    return options.xAxis;
  }
  return options.xAxis === 'time' || !hasSteps(metrics) ? 'elapsed' : 'step';
}

/** Steps tell points apart unless all are the same, as when none was given. */
function hasSteps(metrics: readonly Points[]): boolean {
  return metrics.every(points => {
    const first = points.steps[0];
    return points.steps.length < 2 || points.steps.some(step => step !== first);
  });
}

function smallest(numbers: readonly number[]): number {
  return numbers.reduce((least, value) => Math.min(least, value), Infinity);
}

function isPositive(value: number | null): boolean {
  return value !== null && value > 0;
}

function smoothLine(y: (number | null)[], weight: number, logY: boolean): (number | null)[] {
  const line = smooth(y, weight);
  return logY ? line.map(value => (isPositive(value) ? value : null)) : line;
}

/** By x, ascending; of points with the same x the last one logged counts. */
function order(points: Points, xKind: XKind, startMs: number): Ordered {
  const xs = xsOf(points, xKind, startMs);
  if (isAscending(xs)) {
    return { x: xs, y: points.values };
  }
  const indexes = xs.map((_, index) => index);
  indexes.sort((a, b) => (xs[a] ?? 0) - (xs[b] ?? 0) || a - b);
  const result: Ordered = { x: [], y: [] };
  for (const index of indexes) {
    const x = xs[index] ?? 0;
    const value = points.values[index] ?? null;
    if (result.x[result.x.length - 1] === x) {
      result.y[result.y.length - 1] = value;
    } else {
      result.x.push(x);
      result.y.push(value);
    }
  }
  return result;
}

function xsOf(points: Points, xKind: XKind, startMs: number): number[] {
  switch (xKind) {
    case 'step':
    case 'value':
      return points.steps;
    case 'elapsed':
      return elapsedSeconds(points.timestampsMs, startMs);
    case 'clock':
    case 'wall':
      return points.timestampsMs.map(time => time / 1000);
  }
}

/** Seconds since the start; points of one millisecond stand in order, a microsecond apart. */
function elapsedSeconds(timestampsMs: readonly number[], startMs: number): number[] {
  let last = Number.NEGATIVE_INFINITY;
  let same = 0;
  return timestampsMs.map(time => {
    same = time === last ? same + 1 : 0;
    last = time;
    return (time - startMs) / 1000 + same * 1e-6;
  });
}

function isAscending(numbers: readonly number[]): boolean {
  for (let index = 1; index < numbers.length; index++) {
    if (!((numbers[index] ?? 0) > (numbers[index - 1] ?? 0))) {
      return false;
    }
  }
  return true;
}

function union(lists: readonly number[][]): number[] {
  const [first = [], ...rest] = lists;
  if (rest.every(list => sameNumbers(list, first))) {
    return first;
  }
  return [...new Set(lists.flat())].sort((a, b) => a - b);
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

function spread(
  x: readonly number[],
  own: readonly number[],
  line: readonly (number | null)[]
): Line {
  if (own.length === x.length) {
    return [...line];
  }
  const result: Line = new Array<undefined>(x.length).fill(undefined);
  let next = 0;
  for (let index = 0; index < x.length && next < own.length; index++) {
    if (x[index] === own[next]) {
      result[index] = line[next] ?? null;
      next += 1;
    }
  }
  return result;
}
