import { describe, expect, it } from 'vitest';
import {
  formatAgo,
  formatClock,
  formatCount,
  formatDuration,
  formatNumber,
  formatTook,
  trendOf
} from '../format';

describe('formatNumber', () => {
  it.each([
    [0, '0'],
    [-0, '0'],
    [0.2113, '0.2113'],
    [0.21129999, '0.2113'],
    [0.951, '0.951'],
    [12.34567, '12.35'],
    [1204, '1,204'],
    [999.96, '1,000'],
    [12040, '12,040'],
    [1234567.9, '1,234,568'],
    [12345678, '1.23e7'],
    [0.00012345, '0.000123'],
    [0.00001, '1e−5'],
    [-0.5, '−0.5'],
    [-0.0000607, '−6.07e−5'],
    [1e308, '1e308'],
    [5e-324, '4.94e−324'],
    [100, '100']
  ])('writes %d as %s', (value, shown) => {
    expect(formatNumber(value)).toBe(shown);
  });

  it('says what a value that is not finite is', () => {
    expect(formatNumber(null, 'nan')).toBe('NaN');
    expect(formatNumber(null, 'NaN')).toBe('NaN');
    expect(formatNumber(null, 'inf')).toBe('∞');
    expect(formatNumber(null, '-Infinity')).toBe('−∞');
    expect(formatNumber(null, '')).toBe('–');
    expect(formatNumber(Infinity)).toBe('∞');
  });

  it('takes as many digits as it is told', () => {
    expect(formatNumber(0.021134, '', 3)).toBe('0.0211');
  });
});

describe('durations and times', () => {
  it('counts up without jumping in width', () => {
    expect(formatDuration(102_000)).toBe('01:42');
    expect(formatDuration(2 * 3_600_000 + 309_000)).toBe('2:05:09');
    expect(formatDuration(76 * 3_600_000)).toBe('3d 04h');
  });

  it('never shows a negative duration', () => {
    expect(formatDuration(-5000)).toBe('00:00');
    expect(formatTook(-5000)).toBe('0 ms');
  });

  it('says how long a short run took in seconds', () => {
    expect(formatTook(420)).toBe('420 ms');
    expect(formatTook(4200)).toBe('4.2 s');
    expect(formatTook(42_000)).toBe('00:42');
  });

  it('says how long ago something was', () => {
    const now = Date.UTC(2026, 0, 15, 12);
    expect(formatAgo(now - 1000, now)).toBe('now');
    expect(formatAgo(now - 120_000, now)).toBe('2 min. ago');
    expect(formatAgo(now - 3 * 3_600_000, now)).toBe('3 hr. ago');
    expect(formatAgo(now - 86_400_000, now)).toBe('yesterday');
    expect(formatAgo(now + 60_000, now)).toBe('now');
    expect(formatAgo(now - 90 * 86_400_000, now)).toContain('2025');
  });

  it('adds the date to a time of another day', () => {
    const now = new Date(2026, 0, 15, 14, 2).getTime();
    expect(formatClock(now, now)).toBe('14:02');
    expect(formatClock(now - 3 * 86_400_000, now)).toContain('12');
  });

  it('groups digits', () => {
    expect(formatCount(1234567)).toBe('1,234,567');
  });
});

describe('trendOf', () => {
  it('compares the newer half with the older one', () => {
    expect(trendOf([3, 2, 1])).toBe('falling');
    expect(trendOf([1, 2, null, 3])).toBe('rising');
    expect(trendOf([1, 1.001, 1])).toBe('flat');
    expect(trendOf([0, 0])).toBe('flat');
    expect(trendOf([1])).toBe('unknown');
    expect(trendOf([null, null])).toBe('unknown');
  });
});
