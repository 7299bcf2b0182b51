/**
 * Markdown as a few kinds of blocks and marks, made of text alone. Pure.
 *
 * Raw HTML stays text, addresses are shown and not linked, pictures are not fetched: who wrote the
 * file gets letters on the screen and nothing else.
 */

export interface Span {
  readonly kind: 'text' | 'code' | 'strong' | 'emphasis';
  readonly text: string;
}

export type Block =
  | { readonly kind: 'heading'; readonly level: number; readonly spans: readonly Span[] }
  | { readonly kind: 'paragraph' | 'quote'; readonly spans: readonly Span[] }
  | { readonly kind: 'code'; readonly text: string }
  | {
      readonly kind: 'list';
      readonly ordered: boolean;
      readonly items: readonly (readonly Span[])[];
    }
  | { readonly kind: 'rule' };

const FENCE = /^\s{0,3}(`{3,}|~{3,})/;
const HEADING = /^\s{0,3}(#{1,6})\s+(.*)$/;
const ITEM = /^\s{0,12}(?:([-*+])|(\d{1,9})[.)])\s+(.*)$/;
const QUOTE = /^\s{0,3}>\s?(.*)$/;
const RULE = /^\s{0,3}(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,})$/;
/** None of them looks far ahead: a long line of openings must not hold the page up. */
const MARKS =
  /`([^`\n]{1,500})`|\*\*([^*\n]{1,500})\*\*|\*([^*\s][^*\n]{0,500})\*|!?\[([^[\]\n]{0,300})\]\(([^)\s]{1,500})(?:\s[^)\n]{0,300})?\)/g;
/** A file of more lines than this is shown as the text that it is. */
export const MOST_LINES = 5000;
/** Marks are not looked for in a paragraph of more characters than this. */
const LONGEST_MARKED = 20_000;

export function blocksOf(text: string): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    at = addBlock(lines, at, blocks);
  }
  return blocks;
}

/** Add the block that begins at a line; returns the line behind it. */
function addBlock(lines: readonly string[], at: number, blocks: Block[]): number {
  const line = lines[at] ?? '';
  const fence = FENCE.exec(line)?.[1];
  if (fence !== undefined) {
    const end = lines.findIndex((one, index) => index > at && one.trim().startsWith(fence));
    const stop = end === -1 ? lines.length : end;
    blocks.push({ kind: 'code', text: lines.slice(at + 1, stop).join('\n') });
    return stop + 1;
  }
  if (line.trim() === '') {
    return at + 1;
  }
  if (RULE.test(line)) {
    blocks.push({ kind: 'rule' });
    return at + 1;
  }
  const [, signs, title = ''] = HEADING.exec(line) ?? [];
  if (signs !== undefined) {
    blocks.push({ kind: 'heading', level: signs.length, spans: spansOf(withoutSigns(title)) });
    return at + 1;
  }
  if (ITEM.test(line)) {
    return addList(lines, at, blocks);
  }
  const isQuote = QUOTE.test(line);
  const end = endOf(lines, at, one => QUOTE.test(one) === isQuote && isPlain(one));
  const said = lines.slice(at, end).map(one => (isQuote ? (QUOTE.exec(one)?.[1] ?? '') : one));
  blocks.push({ kind: isQuote ? 'quote' : 'paragraph', spans: spansOf(said.join('\n')) });
  return end;
}

/** A title without the signs that may stand behind it. */
function withoutSigns(title: string): string {
  const text = title.trimEnd();
  let end = text.length;
  while (text[end - 1] === '#') {
    end -= 1;
  }
  return end === 0 || text[end - 1] === ' ' ? text.slice(0, end).trimEnd() : text;
}

function isPlain(line: string): boolean {
  const begins = [FENCE, HEADING, ITEM, RULE].some(pattern => pattern.test(line));
  return line.trim() !== '' && !begins;
}

function endOf(lines: readonly string[], at: number, goesOn: (line: string) => boolean): number {
  let end = at + 1;
  while (end < lines.length && goesOn(lines[end] ?? '')) {
    end += 1;
  }
  return end;
}

function addList(lines: readonly string[], at: number, blocks: Block[]): number {
  const ordered = ITEM.exec(lines[at] ?? '')?.[2] !== undefined;
  const items: string[] = [];
  let next = at;
  while (next < lines.length) {
    const line = lines[next] ?? '';
    const [, bullet, , text = ''] = ITEM.exec(line) ?? [];
    const isItem = ITEM.test(line) && !RULE.test(line);
    if (isItem && ordered === (bullet === undefined)) {
      items.push(text);
    } else if (/^\s{2,}\S/.test(line) && !isItem && !FENCE.test(line)) {
      items.push(`${items.pop() ?? ''}\n${line.trim()}`);
    } else {
      break;
    }
    next += 1;
  }
  blocks.push({ kind: 'list', ordered, items: items.map(spansOf) });
  return next;
}

/** Text with its marks; the address of a link or picture stands behind its words. */
export function spansOf(text: string): Span[] {
  if (text.length > LONGEST_MARKED) {
    return [{ kind: 'text', text }];
  }
  const spans: Span[] = [];
  let from = 0;
  for (const found of text.matchAll(MARKS)) {
    const [whole, code, strong, emphasis, words, address = ''] = found;
    if (found.index > from) {
      spans.push({ kind: 'text', text: text.slice(from, found.index) });
    }
    from = found.index + whole.length;
    if (code !== undefined) {
      spans.push({ kind: 'code', text: code });
    } else if (strong !== undefined) {
      spans.push({ kind: 'strong', text: strong });
    } else if (emphasis !== undefined) {
      spans.push({ kind: 'emphasis', text: emphasis });
    } else {
      const same = words === address || words === '';
      spans.push({ kind: 'text', text: same ? address : `${words ?? ''} (${address})` });
    }
  }
  if (from < text.length) {
    spans.push({ kind: 'text', text: text.slice(from) });
  }
  return spans;
}
