/** What a run shows in a column, as text for the eye and as text for a file. Pure. */
import { formatAgo, formatDuration, formatMoment, formatNumber, formatTook } from '../format';
import { columnId, termOf } from '../store/terms';
import type { ColumnId } from '../store/terms';
import type { RunSummary } from '../types';

export interface Cell {
  readonly text: string;
  /** Whole, for the tooltip; empty when there is nothing more to say. */
  readonly title: string;
  readonly numeric: boolean;
}

/** Columns of every list, whatever was logged. */
export const STARTED = columnId('attributes', 'start_time');
export const TOOK = columnId('attributes', 'duration');
export const USER = columnId('attributes', 'user');
export const EXPERIMENT = columnId('attributes', 'experiment');
export const STATUS = columnId('attributes', 'status');
export const NAME = columnId('attributes', 'run_name');

const EMPTY: Cell = { text: '', title: '', numeric: false };
const LONGEST = 200;

export interface Now {
  readonly ms: number;
  readonly language: string;
}

export function cellOf(run: RunSummary, column: ColumnId, now: Now): Cell {
  const term = termOf(column);
  if (term === null) {
    return EMPTY;
  }
  switch (term.kind) {
    case 'metrics': {
      const metric = run.metrics.find(one => one.key === term.key);
      return metric === undefined
        ? { ...EMPTY, numeric: true }
        : {
            text: formatNumber(metric.value, metric.text),
            title: metric.text,
            numeric: true
          };
    }
    case 'params':
    case 'tags': {
      const pairs = term.kind === 'params' ? run.params : run.tags;
      const value = pairs.find(one => one.key === term.key)?.value;
      return value === undefined ? EMPTY : plain(value);
    }
    case 'attributes':
      return attribute(run, column, now);
  }
}

function plain(text: string): Cell {
  const numeric = text !== '' && Number.isFinite(Number(text));
  return { text: text.slice(0, LONGEST), title: text, numeric };
}

function attribute(run: RunSummary, column: ColumnId, now: Now): Cell {
  switch (column) {
    case STARTED:
      return {
        text: formatAgo(run.start_ms, now.ms, now.language),
        title: formatMoment(run.start_ms, now.language),
        numeric: true
      };
    case TOOK:
      return { text: took(run, now.ms), title: '', numeric: true };
    case USER:
      return { text: run.user, title: run.user, numeric: false };
    case EXPERIMENT:
      return { text: run.experiment ?? '', title: run.experiment ?? '', numeric: false };
    default:
      return EMPTY;
  }
}

function took(run: RunSummary, nowMs: number): string {
  const running = run.status === 'RUNNING' || run.status === 'SCHEDULED';
  if (running) {
    return formatDuration(nowMs - run.start_ms);
  }
  return run.end_ms === null ? '' : formatTook(run.end_ms - run.start_ms);
}

/** The exact value, for a file. */
export function rawCell(run: RunSummary, column: ColumnId): string {
  const term = termOf(column);
  switch (term?.kind) {
    case 'metrics':
      return run.metrics.find(one => one.key === term.key)?.text ?? '';
    case 'params':
      return run.params.find(one => one.key === term.key)?.value ?? '';
    case 'tags':
      return run.tags.find(one => one.key === term.key)?.value ?? '';
    case 'attributes':
    case undefined:
      return '';
  }
}
