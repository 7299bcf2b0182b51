/** What a list of runs is sorted by and shows as columns, named as MLflow's language does. Pure. */

export type TermKind = 'metrics' | 'params' | 'tags' | 'attributes';

/** `metrics.val loss`: the kind, a dot, the key as it is. */
export type ColumnId = string;

export interface Term {
  readonly kind: TermKind;
  readonly key: string;
}

export interface Order {
  readonly column: ColumnId;
  readonly ascending: boolean;
}

const KINDS: readonly TermKind[] = ['metrics', 'params', 'tags', 'attributes'];
/** Keys that need no quotes. */
const PLAIN = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Attributes that MLflow can sort by. */
const SORTABLE = new Set(['start_time', 'end_time', 'run_name', 'status', 'run_id']);

export function columnId(kind: TermKind, key: string): ColumnId {
  return `${kind}.${key}`;
}

/** The parts of a column's name; null when it is none. */
export function termOf(column: ColumnId): Term | null {
  const dot = column.indexOf('.');
  const kind = KINDS.find(one => one === column.slice(0, dot));
  return kind === undefined || dot === column.length - 1
    ? null
    : { kind, key: column.slice(dot + 1) };
}

/** ``metrics.`val loss` ``; null for a key with both kinds of quotes, which cannot be said. */
export function written(kind: TermKind, key: string): string | null {
  if (PLAIN.test(key)) {
    return `${kind}.${key}`;
  }
  if (!key.includes('`')) {
    return `${kind}.\`${key}\``;
  }
  return key.includes('"') ? null : `${kind}."${key}"`;
}

/** A value in quotes that it does not hold; null when it holds both. */
export function quoted(value: string): string | null {
  if (!value.includes("'")) {
    return `'${value}'`;
  }
  return value.includes('"') ? null : `"${value}"`;
}

/** True for a column that the server can sort by. */
export function isSortable(column: ColumnId): boolean {
  const term = termOf(column);
  return (
    term !== null &&
    written(term.kind, term.key) !== null &&
    (term.kind !== 'attributes' || SORTABLE.has(term.key))
  );
}

/** The order as the server takes it; null for the newest first. */
export function orderTerm(order: Order | null): string | null {
  const term = order === null ? null : termOf(order.column);
  const name = term === null ? null : written(term.kind, term.key);
  return name === null ? null : `${name} ${order?.ascending === true ? 'ASC' : 'DESC'}`;
}

/** True for what rows can be asked to hold. */
export function isAsked(column: ColumnId): boolean {
  const term = termOf(column);
  return term !== null && term.kind !== 'attributes';
}
