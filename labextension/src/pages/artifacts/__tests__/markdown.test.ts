import { describe, expect, it } from 'vitest';
import { blocksOf, spansOf } from '../markdown';

function words(text: string): string[] {
  return spansOf(text).map(span => `${span.kind}: ${span.text}`);
}

describe('blocksOf', () => {
  it('knows headings, paragraphs, lists, quotes, code and rules', () => {
    const blocks = blocksOf(
      '# A title #\none\ntwo\n\n- a\n- b\n  more\n1. c\n2) d\n> said\n\n---\n~~~py\n# no title\n~~~\nend'
    );
    expect(blocks.map(block => block.kind)).toEqual([
      'heading',
      'paragraph',
      'list',
      'list',
      'quote',
      'rule',
      'code',
      'paragraph'
    ]);
    expect(blocks[2]).toEqual({
      kind: 'list',
      ordered: false,
      items: [[{ kind: 'text', text: 'a' }], [{ kind: 'text', text: 'b\nmore' }]]
    });
    expect(blocks[3]).toMatchObject({ ordered: true });
    expect(blocks[6]).toEqual({ kind: 'code', text: '# no title' });
  });

  it('keeps raw HTML as the text that it is', () => {
    const raw = '<img src="x" onerror="alert(1)">';
    expect(blocksOf(raw)).toEqual([{ kind: 'paragraph', spans: [{ kind: 'text', text: raw }] }]);
  });

  it('ends with every text, also with one that is never closed', () => {
    for (const text of [
      '',
      '\n\n',
      '```',
      '>',
      '-',
      '- ',
      '#',
      '* * *',
      '1.',
      '  - a\n\n\t- b',
      '>\n- x\n>'
    ]) {
      expect(blocksOf(text).length).toBeLessThan(5);
    }
  });

  it('takes no time for a long line of what never closes', () => {
    const beganMs = Date.now();
    for (const piece of [
      '[',
      '[x](',
      '*',
      '`a',
      '# ',
      '# #',
      '> ',
      '- ',
      '_ ',
      '**a',
      ' ',
      '![',
      '1.'
    ]) {
      blocksOf(piece.repeat(5_000) + 'x');
      blocksOf(`# ${piece.repeat(5_000)}x`);
    }
    blocksOf('- a\n'.repeat(5000));
    expect(Date.now() - beganMs).toBeLessThan(4000);
  });
});

describe('spansOf', () => {
  it('shows the address of a link and of a picture, and links nothing', () => {
    expect(words('see [the paper](javascript:alert(1)) and ![p](https://x/y.png "t")')).toEqual([
      'text: see ',
      'text: the paper (javascript:alert(1)',
      'text: ) and ',
      'text: p (https://x/y.png)'
    ]);
  });

  it('knows code, strong and emphasis', () => {
    expect(words('a `b*c*` **d** *e* 2 * 3 * 4')).toEqual([
      'text: a ',
      'code: b*c*',
      'text:  ',
      'strong: d',
      'text:  ',
      'emphasis: e',
      'text:  2 * 3 * 4'
    ]);
  });
});
