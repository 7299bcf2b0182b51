/** What differs between runs, as a table of Markdown. Pure. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { readableKey } from '../../text';
import type { RunDetail } from '../../types';
import { parts, table } from '../run/markdown';
import { bestOf, valueRows } from './values';

const MOST_ROWS = 200;

export function comparedMarkdown(runs: readonly RunDetail[], trans: TranslationBundle): string {
  const rows = valueRows(runs).filter(row => row.differs);
  const heads = ['', ...runs.map(run => run.summary.name)];
  const lines = rows.slice(0, MOST_ROWS).map(row => {
    const best = bestOf(row);
    const values = row.texts.map((text, index) =>
      best.has(index) ? trans.__('%1 (best)', text ?? '') : (text ?? '')
    );
    return [readableKey(row.key), ...values];
  });
  return parts(table(heads, lines));
}
