/**
 * What may come next in a filter: a key, a comparison, a value, another condition. Only the text
 * before the caret counts. Pure.
 */
import { columnId, quoted, written } from '../store/terms';
import type { TermKind } from '../store/terms';
import type { ColumnInfo } from '../types';

export interface Proposal {
  /** What stands in the list. */
  readonly label: string;
  /** What is put in place of the text from `from` on. */
  readonly insert: string;
  readonly kind: 'key' | 'operator' | 'value' | 'word';
}

export interface Proposals {
  /** Where the text that a proposal replaces begins. */
  readonly from: number;
  readonly items: readonly Proposal[];
}

const MOST = 50;
const NONE: Proposals = { from: 0, items: [] };
const ATTRIBUTES: readonly string[] = [
  'run_name',
  'status',
  'start_time',
  'end_time',
  'user_id',
  'run_id'
];
const STATES: readonly string[] = ['FINISHED', 'FAILED', 'RUNNING', 'KILLED', 'SCHEDULED'];
const OF_NUMBERS: readonly string[] = ['>', '>=', '<', '<=', '=', '!='];
const OF_TEXTS: readonly string[] = ['=', '!=', 'LIKE', 'ILIKE', 'IN'];
const TIMES = new Set(['start_time', 'end_time']);
const KEY = '(?<key>[a-z]+\\.(?:`[^`]*`|"[^"]*"|[^\\s`"=<>!]+))';
const VALUE = '(?<value>\'[^\']*\'?|"[^"]*"?|[^\\s]*)';
const AT_OPERATOR = new RegExp(`^\\s*${KEY}\\s+(?<operator>[A-Za-z]*|[<>=!]*)$`);
const AT_VALUE = new RegExp(`^\\s*${KEY}\\s*(?:>=|<=|!=|=|>|<|\\bI?LIKE\\b)\\s*${VALUE}$`, 'i');
const BEHIND = new RegExp(
  `^\\s*${KEY}\\s*(?:>=|<=|!=|=|>|<|\\bI?LIKE\\b)\\s*(?:'[^']*'|"[^"]*"|[^\\s'"]+)\\s+(?<word>[A-Za-z]*)$`,
  'i'
);

/** What fits at the caret; nothing when the text is not understood there. */
export function proposals(text: string, caret: number, columns: readonly ColumnInfo[]): Proposals {
  const before = text.slice(0, caret);
  const clause = lastClause(before);
  const at = (length: number, items: Proposal[]): Proposals => ({
    from: caret - length,
    items: items.slice(0, MOST)
  });
  const behind = BEHIND.exec(clause)?.groups;
  if (behind !== undefined) {
    const typed = behind['word'] ?? '';
    return at(typed.length, starting(typed, ['and'], 'word'));
  }
  const valued = AT_VALUE.exec(clause)?.groups;
  if (valued !== undefined) {
    const typed = valued['value'] ?? '';
    return at(typed.length, values(valued['key'] ?? '', typed, columns));
  }
  const operated = AT_OPERATOR.exec(clause)?.groups;
  if (operated !== undefined) {
    const typed = operated['operator'] ?? '';
    return at(typed.length, starting(typed, operators(operated['key'] ?? ''), 'operator'));
  }
  const typed = clause.trimStart();
  return /^[^=<>!]*$/.test(typed) && !/\s$/.test(typed)
    ? at(typed.length, keys(typed, columns, before.trim() === ''))
    : NONE;
}

/** What stands behind the last `and` that is not inside quotes. */
function lastClause(text: string): string {
  let start = 0;
  let quote: string | null = null;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (quote !== null) {
      quote = character === quote ? null : quote;
    } else if ('\'"`'.includes(character)) {
      quote = character;
    } else if (/^\sand\s/i.test(text.slice(index, index + 5))) {
      start = index + 4;
    }
  }
  return text.slice(start);
}

function starting(typed: string, words: readonly string[], kind: Proposal['kind']): Proposal[] {
  return words
    .filter(word => word.toLowerCase().startsWith(typed.toLowerCase()))
    .map(word => ({ label: word, insert: `${word} `, kind }));
}

interface Split {
  readonly kind: string;
  readonly key: string;
}

/** ``metrics.`val loss` `` without its quotes. */
function splitKey(term: string): Split {
  const dot = term.indexOf('.');
  return { kind: term.slice(0, dot).toLowerCase(), key: term.slice(dot + 1).replace(/[`"]/g, '') };
}

function operators(term: string): readonly string[] {
  const { kind, key } = splitKey(term);
  const numeric = kind.startsWith('metric') || (kind.startsWith('attr') && TIMES.has(key));
  return numeric ? OF_NUMBERS : OF_TEXTS;
}

function values(term: string, typed: string, columns: readonly ColumnInfo[]): Proposal[] {
  const { kind, key } = splitKey(term);
  const wanted = typed.replace(/^['"]|['"]$/g, '').toLowerCase();
  const known =
    kind.startsWith('attr') && key === 'status'
      ? STATES
      : (columns.find(one => one.key === key && one.kind === kind)?.values ?? []);
  const numeric = kind === 'metrics';
  return known.flatMap(value => {
    const insert = numeric ? value : quoted(value);
    return insert === null || !value.toLowerCase().includes(wanted) || insert === typed
      ? []
      : [{ label: value, insert: `${insert} `, kind: 'value' as const }];
  });
}

/** Keys with the typed words in them; with nothing typed those that most runs have. */
function keys(typed: string, columns: readonly ColumnInfo[], blank: boolean): Proposal[] {
  const wanted = typed.toLowerCase().replace(/[`"]/g, '');
  const terms: [TermKind, string][] = [
    ...columns
      .filter(one => one.kind !== 'tags' || !blank)
      .map((one): [TermKind, string] => [one.kind, one.key]),
    ...ATTRIBUTES.map((key): [TermKind, string] => ['attributes', key])
  ];
  return terms.flatMap(([kind, key]) => {
    const label = written(kind, key);
    const fits = columnId(kind, key).toLowerCase().includes(wanted);
    return label === null || !fits ? [] : [{ label, insert: `${label} `, kind: 'key' as const }];
  });
}
