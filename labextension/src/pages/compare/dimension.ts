/** One axis of a drawing of runs: numbers on a scale, or words below each other. Pure. */
import { formatNumber } from '../../format';
import { displayName, readableKey, shortenMiddle } from '../../text';
import { canLog, logPays, makeScale, ticksOf } from './scale';
import { aim, isNumeric, rowId } from './values';
import type { ValueRow } from './values';

const MOST_WORDS = 12;
const LONGEST_LABEL = 14;
const MOST_AXES = 8;
const MOST_METRICS = 2;

export interface Tick {
  readonly place: number;
  readonly label: string;
}

export interface Dimension {
  readonly id: string;
  readonly title: string;
  readonly row: ValueRow;
  readonly log: boolean;
  /** Whether the scale may be logarithmic. */
  readonly canLog: boolean;
  /** For each run 0 to 1; null for one without a value to draw. */
  readonly places: readonly (number | null)[];
  readonly ticks: readonly Tick[];
  /** How a place is written. */
  readonly label: (place: number) => string;
}

/**
 * @param log null to have a logarithm where it shows more.
 */
export function makeDimension(row: ValueRow, log: boolean | null): Dimension {
  return isNumeric(row) ? numbers(row, log) : words(row);
}

function numbers(row: ValueRow, log: boolean | null): Dimension {
  const known = row.numbers.filter((value): value is number => value !== null);
  const allowed = canLog(known);
  const scale = makeScale(known.length === 0 ? [0, 1] : known, allowed && (log ?? logPays(known)));
  return {
    id: rowId(row),
    title: displayName(readableKey(row.key)),
    row,
    log: scale.log,
    canLog: allowed,
    places: row.numbers.map(value => (value === null ? null : scale.place(value))),
    ticks: ticksOf(scale).map(value => ({
      place: scale.place(value),
      label: formatNumber(value, '', 3)
    })),
    label: place => formatNumber(scale.value(place), '', 3)
  };
}

function words(row: ValueRow): Dimension {
  const values = [...new Set(row.texts.filter(text => text !== null))];
  const placeOf = (text: string): number =>
    values.length < 2 ? 0.5 : values.indexOf(text) / (values.length - 1);
  const short = (text: string): string => displayName(shortenMiddle(text, LONGEST_LABEL));
  const every = Math.ceil(values.length / MOST_WORDS);
  return {
    id: rowId(row),
    title: displayName(readableKey(row.key)),
    row,
    log: false,
    canLog: false,
    places: row.texts.map(text => (text === null ? null : placeOf(text))),
    ticks: values
      .filter((_, index) => index % every === 0)
      .map(text => ({ place: placeOf(text), label: short(text) })),
    label: place => short(values[Math.round(place * (values.length - 1))] ?? '')
  };
}

/** Rows whose axes are shown before anybody chose: what was tried, then what came of it. */
export function firstAxes(rows: readonly ValueRow[]): ValueRow[] {
  const metrics = rows.filter(row => row.kind === 'metrics');
  const known = metrics.filter(row => aim(row.key) !== null);
  const results = [...known, ...metrics.filter(row => !known.includes(row))].slice(0, MOST_METRICS);
  const params = rows.filter(
    row => row.kind === 'params' && (isNumeric(row) || new Set(row.texts).size <= MOST_WORDS)
  );
  return [...params.slice(0, MOST_AXES - results.length), ...results];
}
