/** Runs as a table of Markdown, for an issue or a report. Pure. */
import type { ColumnId } from '../store/terms';
import { visible } from '../text';
import type { RunSummary } from '../types';
import { cellOf } from './cells';
import type { Now } from './cells';

/** A text that stays one cell, and stays text. */
export function markdownCell(text: string): string {
  return visible(text).replace(/[\\`*_{}[\]<>|#!~]/g, '\\$&');
}

export function markdownTable(
  runs: readonly RunSummary[],
  columns: readonly ColumnId[],
  heads: readonly string[],
  now: Now
): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(markdownCell).join(' | ')} |`;
  const ruler = `|${' --- |'.repeat(heads.length)}`;
  const rows = runs.map(run => {
    const values = columns.map(column => {
      const { text, title } = cellOf(run, column, now);
      return title === '' ? text : title;
    });
    return line([run.name, run.status, ...values]);
  });
  return [line(heads), ruler, ...rows].join('\n');
}
