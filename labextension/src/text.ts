/**
 * Names come from anybody: they are shown as text, made harmless to read and short enough to fit.
 * What is changed here is only what is shown; requests carry the name as it is.
 */

/** Control characters, bidi marks, zero width characters and lone surrogates. */
const HIDDEN =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** How much of a name a tooltip or a screen reader gets. */
const LONGEST_NAME = 240;

/** How many characters of the end stay visible when a name does not fit its place. */
const TAIL = 8;

/** Replace what cannot be seen, or turns the text around, by a visible mark. */
export function visible(text: string): string {
  return text.replace(HIDDEN, '\ufffd');
}

/** Control characters and marks that turn the direction, but neither line ends nor tabs. */
const HIDDEN_IN_LINES =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** The text of a file: what turns the text around or cannot be seen becomes a visible mark. */
export function visibleLines(text: string): string {
  return text.replace(HIDDEN_IN_LINES, '\ufffd');
}

/** Shorten in the middle to at most `longest` characters; ends are what tells names apart. */
export function shortenMiddle(text: string, longest: number): string {
  const characters = text.length > longest * 4 ? [...cut(text, longest)] : [...text];
  if (characters.length <= longest) {
    return characters.join('');
  }
  const head = Math.ceil((longest - 1) / 2);
  const tail = longest - 1 - head;
  return (
    characters.slice(0, head).join('') + '…' + characters.slice(characters.length - tail).join('')
  );
}

/** Keep both ends of a very long text, so that the rest works on a short one. */
function cut(text: string, longest: number): string {
  return text.slice(0, longest * 2) + text.slice(-longest * 2);
}

/** A name as it is shown in a tooltip or read aloud. */
export function displayName(name: string): string {
  const shown = visible(shortenMiddle(name, LONGEST_NAME));
  return shown.trim() === '' ? '(no name)' : shown;
}

/** What `log` writes for characters that MLflow refuses: `_.x<code point>_`. */
const ESCAPED = /_\.x([0-9a-f]{1,6})_/g;
const EMPTY_KEY = '_.empty_';
/** The end of a key that was too long. */
const CUT_KEY = /_\.cut[0-9a-f]{24}_$/;
const LAST_CODE_POINT = 0x10ffff;

/** The key of a metric or parameter as it was logged; `…` stands for what was cut off. */
export function readableKey(key: string): string {
  if (!key.includes('_.')) {
    return key;
  }
  if (key === EMPTY_KEY) {
    return '';
  }
  return key.replace(CUT_KEY, '…').replace(ESCAPED, (whole, hex: string) => {
    const point = parseInt(hex, 16);
    return point <= LAST_CODE_POINT ? String.fromCodePoint(point) : whole;
  });
}

/** A name in two parts: the first may be cut by the layout, the second always shows. */
export function splitName(name: string): { head: string; tail: string } {
  const characters = [...displayName(name)];
  if (characters.length <= TAIL * 2) {
    return { head: characters.join(''), tail: '' };
  }
  return {
    head: characters.slice(0, -TAIL).join(''),
    tail: characters.slice(-TAIL).join('')
  };
}

/** The last line of an error that says something. */
export function lastLine(text: string): string {
  const lines = text.split('\n').filter(line => line.trim() !== '');
  return displayName(lines[lines.length - 1] ?? '');
}
