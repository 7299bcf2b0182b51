import { describe, expect, it } from 'vitest';
import { nameOf, parentOf } from '../paths';

describe('paths', () => {
  it('splits a path into its folder and its name', () => {
    expect(['a', 'a/b', 'a/b/c.txt'].map(path => [parentOf(path), nameOf(path)])).toEqual([
      ['', 'a'],
      ['a', 'b'],
      ['a/b', 'c.txt']
    ]);
  });
});
