/** Numbers, durations and times as people read them. Pure: no DOM, no clock of its own. */

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;
/** Times beyond cannot be said as a date. */
const LATEST_MS = 8.64e15;

/** Numbers from here on are written with an exponent. */
const LARGE = 1e7;
const SMALL = 1e-4;
const DIGITS = 4;

/**
 * A metric's value in about seven characters: `0.2113`, `1,204`, `3.2e-5`, `NaN`, `∞`.
 *
 * @param value null when it is not finite: then `text` says what it is.
 * @param digits how many digits count.
 */
export function formatNumber(value: number | null, text = '', digits = DIGITS): string {
  if (value === null || !Number.isFinite(value)) {
    return formatNonFinite(value === null ? text : String(value));
  }
  const size = Math.abs(value);
  if (value === 0) {
    return '0';
  }
  if (size >= LARGE || size < SMALL) {
    return value
      .toExponential(2)
      .replace(/\.?0+e/, 'e')
      .replace('e+', 'e')
      .replaceAll('-', '−');
  }
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  const rounded = Number.isInteger(value) ? value.toFixed(0) : value.toFixed(Math.min(decimals, 6));
  const trimmed = rounded.includes('.') ? rounded.replace(/0+$/, '').replace(/\.$/, '') : rounded;
  return grouped(trimmed).replace('-', '−');
}

function formatNonFinite(text: string): string {
  switch (text.toLowerCase().replace('infinity', 'inf')) {
    case 'inf':
      return '∞';
    case '-inf':
      return '−∞';
    case 'nan':
      return 'NaN';
    default:
      return '–';
  }
}

/** How far something is: `12/50`, `12`. */
export function formatProgress(done: number, total: number | null): string {
  return total === null ? formatNumber(done) : `${formatNumber(done)}/${formatNumber(total)}`;
}

/** Commas between groups of three digits of the whole part. */
function grouped(text: string): string {
  const [whole = '', fraction] = text.split('.');
  const digits = whole.replace('-', '');
  const sign = whole.startsWith('-') ? '-' : '';
  const shown = digits.replace(/\B(?=(\d{3})+$)/g, ',');
  return sign + shown + (fraction === undefined ? '' : `.${fraction}`);
}

/** A whole number with groups of three digits. */
export function formatCount(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

function two(value: number): string {
  return String(Math.floor(value)).padStart(2, '0');
}

/** `01:42`, `2:05:09` or `3d 04h`; a clock set back never gives a negative one. */
export function formatDuration(durationMs: number): string {
  const ms = Math.max(0, durationMs);
  if (ms >= 2 * DAY_MS) {
    return `${Math.floor(ms / DAY_MS)}d ${two((ms % DAY_MS) / HOUR_MS)}h`;
  }
  const minutes = two((ms % HOUR_MS) / MINUTE_MS);
  const seconds = two((ms % MINUTE_MS) / SECOND_MS);
  const hours = Math.floor(ms / HOUR_MS);
  return hours > 0 ? `${hours}:${minutes}:${seconds}` : `${minutes}:${seconds}`;
}

/** A finished run's duration: as above; `420 ms` or `4.2 s` for what took less than ten seconds. */
export function formatTook(durationMs: number): string {
  const ms = Math.max(0, durationMs);
  if (ms < SECOND_MS) {
    return `${Math.round(ms)} ms`;
  }
  return ms < 10 * SECOND_MS ? `${(ms / SECOND_MS).toFixed(1)} s` : formatDuration(ms);
}

/** Making one takes longer than what it is used for. */
const relatives = new Map<string, Intl.RelativeTimeFormat>();
const dates = new Map<string, Intl.DateTimeFormat>();
const moments = new Map<string, Intl.DateTimeFormat>();

function kept<T>(made: Map<string, T>, language: string, make: () => T): T {
  const known = made.get(language) ?? make();
  made.set(language, known);
  return known;
}

/** Date and time of day, whole. */
export function formatMoment(thenMs: number, language = 'en'): string {
  const format = kept(
    moments,
    language,
    () => new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' })
  );
  return Math.abs(thenMs) <= LATEST_MS ? format.format(thenMs) : '';
}

/** `now`, `2 min. ago`, `3 days ago`; older than four weeks: the date. */
export function formatAgo(thenMs: number, nowMs: number, language = 'en'): string {
  const age = nowMs - thenMs;
  const relative = kept(
    relatives,
    language,
    () => new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' })
  );
  if (age < 45 * SECOND_MS) {
    return relative.format(0, 'second');
  }
  if (age < HOUR_MS) {
    return relative.format(-Math.max(1, Math.round(age / MINUTE_MS)), 'minute');
  }
  if (age < DAY_MS) {
    return relative.format(-Math.round(age / HOUR_MS), 'hour');
  }
  if (age < 4 * WEEK_MS) {
    return relative.format(-Math.round(age / DAY_MS), 'day');
  }
  const date = kept(
    dates,
    language,
    () => new Intl.DateTimeFormat(language, { dateStyle: 'medium' })
  );
  return Math.abs(thenMs) <= LATEST_MS ? date.format(thenMs) : '';
}

/** The time of day, with the date when it was not today. */
export function formatClock(thenMs: number, nowMs: number, language = 'en'): string {
  const then = new Date(thenMs);
  const sameDay = then.toDateString() === new Date(nowMs).toDateString();
  return sameDay
    ? `${two(then.getHours())}:${two(then.getMinutes())}`
    : then.toLocaleString(language, { dateStyle: 'short', timeStyle: 'short' });
}

export type Trend = 'rising' | 'falling' | 'flat' | 'unknown';

/**
 * Where values are going: the mean of the newer half against the older half.
 *
 * @param values oldest first; null for a value that is not finite.
 */
export function trendOf(values: readonly (number | null)[]): Trend {
  const finite = values.filter((value): value is number => value !== null).slice(-12);
  if (finite.length < 2) {
    return 'unknown';
  }
  const half = Math.floor(finite.length / 2);
  const before = mean(finite.slice(0, half));
  const after = mean(finite.slice(half));
  const size = Math.max(Math.abs(before), Math.abs(after));
  if (size === 0 || Math.abs(after - before) / size < 0.005) {
    return 'flat';
  }
  return after > before ? 'rising' : 'falling';
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** `512 B`, `1.2 kB`, `34 MB`. */
export function formatBytes(bytes: number): string {
  let size = Math.max(0, bytes);
  let unit = 0;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 || size >= 10 ? Math.round(size) : size.toFixed(1)} ${UNITS[unit] ?? ''}`;
}
