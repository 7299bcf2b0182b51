/** Where things stand on the axes of parallel coordinates. Pure. */

export const HEIGHT = 380;
const TOP = 44;
const BOTTOM = 16;
/** So near to an end of an axis counts as the end. */
const SNAP = 0.03;

export type Brush = readonly [low: number, high: number];
export type Brushes = ReadonlyMap<string, Brush>;

/** From 0 at the lower end of an axis to 1 at its upper end. */
export function yOf(place: number): number {
  return HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM);
}

export function placeOf(y: number): number {
  const place = (HEIGHT - BOTTOM - y) / (HEIGHT - TOP - BOTTOM);
  return place > 1 - SNAP ? 1 : place < SNAP ? 0 : place;
}
