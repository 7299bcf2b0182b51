/** A sparkline as SVG path data. Pure. */

/**
 * @param values oldest first; null leaves a gap.
 * @returns path data within `width` x `height`, '' when there is nothing to draw.
 */
export function sparklinePath(
  values: readonly (number | null)[],
  width: number,
  height: number
): string {
  const finite = values.filter((value): value is number => value !== null);
  if (finite.length === 0) {
    return '';
  }
  const low = Math.min(...finite);
  const span = Math.max(...finite) - low;
  const dx = values.length > 1 ? width / (values.length - 1) : 0;
  let pen = 'M';
  let path = '';
  values.forEach((value, index) => {
    if (value === null) {
      pen = 'M';
      return;
    }
    const y = span === 0 ? height / 2 : height - ((value - low) / span) * height;
    path += `${pen}${round(index * dx)} ${round(y)}`;
    pen = 'L';
  });
  return finite.length === 1 && values.length === 1
    ? `M0 ${height / 2}L${width} ${height / 2}`
    : path;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
