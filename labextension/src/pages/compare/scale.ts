/** From values to a place between 0 and 1 and back, on a linear or a logarithmic axis. Pure. */

/** From this ratio on a logarithm shows more. */
const LOG_RATIO = 100;
const TICKS = 5;

export interface Scale {
  readonly log: boolean;
  readonly low: number;
  readonly high: number;
  /** True for values that are all whole numbers: there is nothing between them to write. */
  readonly whole: boolean;
  /** 0 for the lowest value, 1 for the highest. */
  readonly place: (value: number) => number;
  readonly value: (place: number) => number;
}

/** True where values are all above zero and far enough apart. */
export function logPays(values: readonly number[]): boolean {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return low > 0 && high / low >= LOG_RATIO;
}

export function canLog(values: readonly number[]): boolean {
  return values.length > 0 && values.every(value => value > 0);
}

export function makeScale(values: readonly number[], log: boolean): Scale {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const bend = log ? Math.log10 : (value: number): number => value;
  // Halves: the difference of the largest numbers is no number.
  const from = bend(low) / 2;
  const span = bend(high) / 2 - from;
  return {
    log,
    low,
    high,
    whole: values.every(Number.isInteger),
    place: value => (span === 0 ? 0.5 : (bend(value) / 2 - from) / span),
    value: place => {
      const bent = (from + place * span) * 2;
      return log ? 10 ** bent : bent;
    }
  };
}

/** Values to write at an axis: round ones within it, its ends where there are none. */
export function ticksOf(scale: Scale): number[] {
  const { low, high, log } = scale;
  if (low === high) {
    return [low];
  }
  const ticks = log ? powers(low, high) : rounds(low, high, scale.whole);
  return ticks.length >= 2 ? ticks : [low, high];
}

function powers(low: number, high: number): number[] {
  const from = Math.ceil(Math.log10(low) - 1e-9);
  const to = Math.floor(Math.log10(high) + 1e-9);
  const step = Math.max(1, Math.ceil((to - from) / TICKS));
  const count = Math.max(0, Math.floor((to - from) / step) + 1);
  return Array.from({ length: count }, (_, index) => Number(`1e${from + index * step}`));
}

function rounds(low: number, high: number, whole: boolean): number[] {
  const rough = high / TICKS - low / TICKS;
  const size = 10 ** Math.floor(Math.log10(rough));
  const fine = ([1, 2, 5, 10].find(one => one * size >= rough) ?? 10) * size;
  const step = whole ? Math.max(1, fine) : fine;
  if (!Number.isFinite(step) || step === 0) {
    return [];
  }
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12))
  );
}
