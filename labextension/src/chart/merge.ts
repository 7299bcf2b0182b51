/**
 * The points of one run as the page holds them. Answers of the server are added as they come; when
 * a metric has grown past what a screen can show it is thinned, so that a page that stays open for
 * days does not grow.
 */
import type { Column, Series } from '../types';
import { keepIndexes } from './decimate';

/** Above this many points a metric is thinned to half. */
const MOST_POINTS = 8000;

/** The points of one metric; lists of one length, in the order they were logged. */
export interface Points {
  readonly key: string;
  steps: number[];
  timestampsMs: number[];
  /** null where the value is not finite. */
  values: (number | null)[];
  /** How the newest value is written when it is not finite, else ''. */
  lastText: string;
  /** How many points the run has; more than are held when they were thinned. */
  total: number;
}

/** All points of a run; `apply` takes what the server says. */
export class SeriesData {
  /** Grows with each change; equal numbers mean the same picture. */
  version = 0;
  /** Where to go on from. */
  cursor = 0;
  private readonly points = new Map<string, Points>();

  /** Metrics in the order they were first seen. */
  get all(): Points[] {
    return [...this.points.values()];
  }

  get keys(): string[] {
    return [...this.points.keys()];
  }

  get(key: string): Points | undefined {
    return this.points.get(key);
  }

  /** How many points the run has in all. */
  get total(): number {
    return this.all.reduce((sum, points) => sum + points.total, 0);
  }

  /** Add an answer. Returns false when it brought nothing new. */
  apply(series: Series): boolean {
    if (series.reset) {
      this.points.clear();
    }
    this.cursor = series.cursor;
    let changed = series.reset;
    for (const column of series.columns) {
      changed = this.add(column) || changed;
    }
    if (changed) {
      this.version += 1;
    }
    return changed;
  }

  private add(column: Column): boolean {
    const n = column.values.length;
    const known = this.points.get(column.key);
    if (n === 0 && known !== undefined) {
      return false;
    }
    const points = known ?? emptyPoints(column.key);
    for (let index = 0; index < n; index++) {
      points.steps.push(column.steps[index] ?? 0);
      points.timestampsMs.push(column.timestamps_ms[index] ?? 0);
      points.values.push(column.values[index] ?? null);
    }
    if (n > 0) {
      points.lastText = column.nonfinite.get(n - 1) ?? '';
    }
    points.total = Math.max(column.total, points.total + (known ? n : 0), points.values.length);
    thin(points);
    this.points.set(column.key, points);
    return true;
  }
}

function emptyPoints(key: string): Points {
  return { key, steps: [], timestampsMs: [], values: [], lastText: '', total: 0 };
}

function thin(points: Points): void {
  if (points.values.length <= MOST_POINTS) {
    return;
  }
  const kept = keepIndexes(points.values, MOST_POINTS / 2);
  const pick = <T>(from: readonly T[]): T[] => kept.flatMap(index => from.slice(index, index + 1));
  points.steps = pick(points.steps);
  points.timestampsMs = pick(points.timestampsMs);
  points.values = pick(points.values);
}
