/** A run, or several beside each other, as Markdown for a report or a message. Pure. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { formatTook } from '../../format';
import { readableKey, shortenMiddle, visible } from '../../text';
import type { MetricStat, RunAbout, RunDetail } from '../../types';

const LONGEST_CELL = 200;
const MOST_METRICS = 100;

/** A text as one cell of a table: no markup of it has an effect. */
export function cell(text: string): string {
  return visible(shortenMiddle(text.replace(/\s+/g, ' '), LONGEST_CELL))
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_[\]|#~$!]/g, found => `\\${found}`);
}

/** Heads and rows as a table; '' without rows. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) {
    return '';
  }
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(heads), `|${heads.map(() => ' --- |').join('')}`, ...rows.map(line)].join('\n');
}

/** Parts with an empty line between them; what is empty is left out. */
export function parts(...blocks: readonly string[]): string {
  return `${blocks.filter(block => block !== '').join('\n\n')}\n`;
}

export function markdownOf(
  detail: RunDetail,
  about: RunAbout | null,
  stats: readonly MetricStat[],
  trans: TranslationBundle
): string {
  const { summary } = detail;
  const took = summary.end_ms === null ? '' : formatTook(summary.end_ms - summary.start_ms);
  const facts = [
    [trans.__('run'), summary.run_id],
    [trans.__('status'), summary.status.toLowerCase()],
    [trans.__('started'), new Date(summary.start_ms).toISOString()],
    [trans.__('took'), took],
    [trans.__('experiment'), summary.experiment ?? ''],
    [trans.__('user'), summary.user],
    [trans.__('error'), summary.error ?? ''],
    [trans.__('notebook'), about?.notebook_path || (summary.notebook ?? '')],
    [trans.__('git'), gitOf(about)]
  ].filter(([, value]) => value !== '');
  return parts(
    `## ${cell(summary.name)}`,
    table([trans.__('what'), trans.__('value')], facts),
    section(
      trans.__('Metrics'),
      table([trans.__('metric'), trans.__('newest'), 'min', 'max'], metricRows(detail, stats))
    ),
    section(
      trans.__('Parameters'),
      table(
        [trans.__('parameter'), trans.__('value')],
        detail.params.map(({ key, value }) => [readableKey(key), value])
      )
    )
  );
}

function section(title: string, body: string): string {
  return body === '' ? '' : `### ${title}\n\n${body}`;
}

function gitOf(about: RunAbout | null): string {
  if (about === null || about.git_commit === '') {
    return '';
  }
  return [about.git_commit.slice(0, 10), about.git_branch, about.git_dirty ? '+' : '']
    .filter(word => word !== '')
    .join(' ');
}

/** Newest values, with minimum and maximum where they were counted. */
function metricRows(detail: RunDetail, stats: readonly MetricStat[]): string[][] {
  const counted = new Map(stats.map(stat => [stat.key, stat]));
  return detail.summary.metrics.slice(0, MOST_METRICS).map(({ key, text }) => {
    const stat = counted.get(key);
    return [
      readableKey(key),
      text,
      stat === undefined ? '' : String(stat.minimum ?? ''),
      stat === undefined ? '' : String(stat.maximum ?? '')
    ];
  });
}
