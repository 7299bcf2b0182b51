/** What compared runs have, as rows, and as numbers to draw by. Pure. */
import { readableKey } from '../../text';
import type { RunDetail } from '../../types';

export type ValueKind = 'metrics' | 'params' | 'tags';

/** One metric, parameter or tag over all runs. */
export interface ValueRow {
  readonly kind: ValueKind;
  readonly key: string;
  /** Exact, as text; null for a run that has it not. In the order of the runs. */
  readonly texts: readonly (string | null)[];
  /** Null where it is not a finite number. */
  readonly numbers: readonly (number | null)[];
  readonly differs: boolean;
}

/** Tags that MLflow and we keep for ourselves say nothing about what was tried. */
const OWN_TAG = /^(mlflow|mltrack)\./;

function numberOf(text: string | null): number | null {
  if (text === null || text.trim() === '') {
    return null;
  }
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/** A run's values of one kind by their keys. */
function valuesOf(run: RunDetail, kind: ValueKind): Map<string, string> {
  switch (kind) {
    case 'metrics':
      return new Map(run.summary.metrics.map(({ key, text }) => [key, text]));
    case 'params':
      return new Map(run.params.map(({ key, value }) => [key, value]));
    case 'tags':
      return new Map(
        run.tags.filter(({ key }) => !OWN_TAG.test(key)).map(({ key, value }) => [key, value])
      );
  }
}

/** All rows: metrics as the first run that has them lists them, then parameters, then tags. */
export function valueRows(runs: readonly RunDetail[]): ValueRow[] {
  return (['metrics', 'params', 'tags'] as const).flatMap(kind => {
    const values = runs.map(run => valuesOf(run, kind));
    const keys = [...new Set(values.flatMap(one => [...one.keys()]))];
    return keys.map(key => {
      const texts = values.map(one => one.get(key) ?? null);
      return {
        kind,
        key,
        texts,
        numbers: texts.map(numberOf),
        differs: texts.some(text => text !== texts[0])
      };
    });
  });
}

/** Whether smaller or larger values of a metric are better, where its name says so. */
export function aim(key: string): 'least' | 'most' | null {
  const words = readableKey(key)
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  const has = (...known: string[]): boolean => words.some(word => known.includes(word));
  if (has('loss', 'error', 'err', 'mse', 'rmse', 'mae', 'mape', 'perplexity', 'ppl', 'logloss')) {
    return 'least';
  }
  if (has('acc', 'accuracy', 'auc', 'f1', 'precision', 'recall', 'r2', 'score', 'iou', 'bleu')) {
    return 'most';
  }
  return null;
}

/** The indexes of the runs with the best value; none where no value is known to be better. */
export function bestOf(row: ValueRow): ReadonlySet<number> {
  const wanted = row.kind === 'metrics' ? aim(row.key) : null;
  const known = row.numbers.filter((value): value is number => value !== null);
  if (wanted === null || known.length < 2 || !row.differs) {
    return new Set();
  }
  const best = known.reduce((a, b) => (wanted === 'least' ? Math.min(a, b) : Math.max(a, b)));
  return new Set(row.numbers.flatMap((value, index) => (value === best ? [index] : [])));
}

/** Rows that something can be drawn by: they differ, and are numbers or a few words. */
export function drawable(rows: readonly ValueRow[]): ValueRow[] {
  return rows.filter(row => row.kind !== 'tags' && row.differs);
}

/** True when every value that is there is a number. */
export function isNumeric(row: ValueRow): boolean {
  return row.texts.every((text, index) => text === null || isNumberText(text, row.numbers[index]));
}

function isNumberText(text: string, value: number | null | undefined): boolean {
  return (value ?? null) !== null || /^[+-]?(nan|inf|infinity)$/i.test(text.trim());
}

export function rowId(row: ValueRow): string {
  return `${row.kind} ${row.key}`;
}
