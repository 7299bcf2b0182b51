import { describe, expect, it } from 'vitest';
import { allTo, previousOf, primaryOf, rebalance } from '../traffic';

const shares = (...pairs: [string, number][]): ReadonlyMap<string, number> => new Map(pairs);
const sum = (map: ReadonlyMap<string, number>): number =>
  [...map.values()].reduce((total, share) => total + share, 0);

describe('rebalance', () => {
  it('gives the others what is left, in their old proportion', () => {
    const made = rebalance(shares(['1', 60], ['2', 30], ['3', 10]), '3', 55);
    expect([...made]).toEqual([
      ['1', 30],
      ['2', 15],
      ['3', 55]
    ]);
  });

  it('always sums to 100 in whole percent, whatever is asked', () => {
    for (const wanted of [-5, 0, 1, 33.4, 50, 66.6, 99, 100, 300]) {
      const made = rebalance(shares(['1', 33], ['2', 33], ['3', 34]), '2', wanted);
      expect(sum(made)).toBe(100);
      expect([...made.values()].every(one => Number.isInteger(one) && one >= 0)).toBe(true);
    }
  });

  it('leaves a version alone that had nothing, unless nobody else can take the rest', () => {
    expect([...rebalance(shares(['1', 50], ['2', 50], ['3', 0]), '1', 20).values()]).toEqual([
      20, 80, 0
    ]);
    expect([...rebalance(shares(['1', 100], ['2', 0]), '1', 70).values()]).toEqual([70, 30]);
  });

  it('cannot take anything from the only version', () => {
    expect([...rebalance(shares(['1', 100]), '1', 20)]).toEqual([['1', 100]]);
  });

  it('keeps the order of the versions', () => {
    expect([...allTo(shares(['b', 10], ['a', 90]), 'b')]).toEqual([
      ['b', 100],
      ['a', 0]
    ]);
  });
});

describe('rolling back', () => {
  const version = (
    label: string,
    deployed_ms: number,
    traffic_percent: number,
    state = 'ready'
  ) => ({
    label,
    deployed_ms,
    traffic_percent,
    state
  });

  it('goes to the version deployed last before the one in front', () => {
    const all = [version('1', 10, 0), version('2', 20, 0), version('3', 30, 100)];
    expect(primaryOf(all)?.label).toBe('3');
    expect(previousOf(all)?.label).toBe('2');
  });

  it('never goes to a version that does not answer, or to a newer one', () => {
    const all = [version('1', 10, 0), version('2', 20, 0, 'failed'), version('3', 30, 100)];
    expect(previousOf(all)?.label).toBe('1');
    expect(previousOf([version('1', 10, 100), version('2', 20, 0)])).toBeNull();
    expect(previousOf([])).toBeNull();
  });
});
