/**
 * Runs as lines of comma-separated values. A text that a spreadsheet would take for a formula gets
 * an apostrophe in front: names come from anybody. Pure.
 */
import type { ColumnId } from '../store/terms';
import type { RunSummary } from '../types';
import { rawCell } from './cells';

const FORMULA = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$|^[+-]?(?:inf|infinity|nan)$/i;
const FIXED = ['run_id', 'name', 'status', 'experiment', 'user', 'started', 'ended', 'duration_s'];
/** Spreadsheets read a file as UTF-8 when it begins with this. */
export const BYTE_ORDER_MARK = '\ufeff';

/** One value, in quotes where it needs them. */
export function csvField(value: string): string {
  const safe = FORMULA.test(value) && !NUMBER.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

function csvLine(values: readonly string[]): string {
  return `${values.map(csvField).join(',')}\r\n`;
}

export function csvHead(columns: readonly ColumnId[]): string {
  return csvLine([...FIXED, ...columns]);
}

function isoTime(ms: number | null): string {
  if (ms === null) {
    return '';
  }
  const time = new Date(ms);
  return Number.isNaN(time.getTime()) ? '' : time.toISOString();
}

export function csvRow(run: RunSummary, columns: readonly ColumnId[]): string {
  const tookMs = run.end_ms === null ? null : run.end_ms - run.start_ms;
  return csvLine([
    run.run_id,
    run.name,
    run.status,
    run.experiment ?? '',
    run.user,
    isoTime(run.start_ms),
    isoTime(run.end_ms),
    tookMs === null ? '' : String(tookMs / 1000),
    ...columns.map(column => rawCell(run, column))
  ]);
}
