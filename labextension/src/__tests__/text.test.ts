import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { displayName, lastLine, readableKey, shortenMiddle, splitName, visible } from '../text';

describe('names of anybody', () => {
  it('shows what would turn the text around or stay unseen', () => {
    expect(visible('a\u202eb\u200bc\u0000d\u2066e')).toBe('a�b�c�d�e');
  });

  it('replaces lone surrogates and keeps whole ones', () => {
    expect(visible('a\ud800b')).toBe('a�b');
    expect(visible('\ud83d\ude00')).toBe('\ud83d\ude00');
  });

  it('keeps both ends of a long name', () => {
    expect(shortenMiddle('sweep-with-a-long-name-07', 11)).toBe('sweep…me-07');
    expect(shortenMiddle('short', 11)).toBe('short');
    expect(shortenMiddle('x'.repeat(5000), 20)).toHaveLength(20);
  });

  it('never cuts a character in two', () => {
    const shown = shortenMiddle('\ud83d\ude00'.repeat(50), 9);
    expect([...shown]).toHaveLength(9);
    expect(visible(shown)).toBe(shown);
  });

  it('gives a name to what has none', () => {
    expect(displayName('   ')).toBe('(no name)');
    expect(displayName('')).toBe('(no name)');
  });

  it('splits off an end that always shows', () => {
    expect(splitName('sweep-with-a-long-name-07')).toEqual({
      head: 'sweep-with-a-long',
      tail: '-name-07'
    });
    expect(splitName('loss')).toEqual({ head: 'loss', tail: '' });
  });

  it('finds the last line of an error', () => {
    expect(lastLine('Traceback\n  File "x"\nValueError: no\n\n')).toBe('ValueError: no');
  });
});

describe('keys that MLflow would refuse', () => {
  const golden: unknown = JSON.parse(
    readFileSync(`${__dirname}/../../../tests/contract/samples/names.json`, 'utf-8')
  );

  it('shows them as they were logged', () => {
    expect(Array.isArray(golden)).toBe(true);
    const pairs: unknown[] = Array.isArray(golden) ? golden : [];
    expect(pairs.length).toBeGreaterThan(5);
    for (const pair of pairs) {
      const both: unknown[] = Array.isArray(pair) ? pair : [];
      expect(readableKey(String(both[1]))).toBe(both[0]);
    }
  });

  it('marks what was cut off', () => {
    expect(readableKey(`${'x'.repeat(200)}_.cut${'0a'.repeat(12)}_`)).toBe(`${'x'.repeat(200)}…`);
  });

  it('leaves alone what only looks like one', () => {
    expect(readableKey('a_.xzz_')).toBe('a_.xzz_');
    expect(readableKey('a_.xffffff_')).toBe('a_.xffffff_');
  });
});
