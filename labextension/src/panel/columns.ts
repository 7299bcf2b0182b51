/** Which metrics get a column of their own in a wide list. Pure. */
import type { RunSummary } from '../types';

const FIXED_PX = 430;
const COLUMN_PX = 76;
const MOST_COLUMNS = 6;
/** Rows whose metrics are looked at. */
const SAMPLE_ROWS = 50;

/** The main metrics of the newest runs, as many as fit; the ones most runs have come first. */
export function metricColumns(rows: readonly RunSummary[], width: number): string[] {
  const room = Math.min(MOST_COLUMNS, Math.max(1, Math.floor((width - FIXED_PX) / COLUMN_PX)));
  const counts = new Map<string, number>();
  for (const run of rows.slice(0, SAMPLE_ROWS)) {
    for (const { key } of run.metrics.slice(0, MOST_COLUMNS)) {
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, room)
    .map(([key]) => key);
}
