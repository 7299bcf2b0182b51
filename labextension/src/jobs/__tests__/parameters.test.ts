import { describe, expect, it } from 'vitest';
import { parametersOf, parameterWords } from '../parameters';

describe('parametersOf', () => {
  it('finds plain assignments, with what Python writes for their values', () => {
    const source = [
      'lr = 0.1  # rate',
      'name: str = "a # b"',
      'sizes = [1, 2]',
      "kind='x=y'",
      'lr = 0.2',
      'if lr == 1: pass',
      '    inner = 1',
      'wide = [',
      '  1]',
      'print(lr)',
      'a.b = 2',
      'x == 3'
    ].join('\n');
    expect(parametersOf(source)).toEqual([
      { name: 'lr', value: '0.2' },
      { name: 'name', value: '"a # b"' },
      { name: 'sizes', value: '[1, 2]' },
      { name: 'kind', value: "'x=y'" }
    ]);
  });
});

describe('parameterWords', () => {
  it('quotes what a shell would take apart', () => {
    const changed = new Map([
      ['lr', '0.1'],
      ['name', `it's "so"`]
    ]);
    expect(parameterWords(changed)).toBe(`-p lr=0.1 -p 'name=it'"'"'s "so"'`);
    expect(parameterWords(new Map())).toBe('');
  });
});
