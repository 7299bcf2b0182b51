/** Exponential smoothing with the start corrected, so that the first values are not pulled to 0. */

/**
 * @param values null where there is a gap; gaps stay and do not weigh in.
 * @param weight 0 leaves values as they are; 0.99 is very smooth.
 */
export function smooth(values: readonly (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) {
    return [...values];
  }
  let last = 0;
  let correction = 1;
  return values.map(value => {
    if (value === null) {
      return null;
    }
    last = last * weight + (1 - weight) * value;
    correction *= weight;
    return last / (1 - correction);
  });
}
