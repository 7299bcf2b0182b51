/** What a list of runs is asked for, apart from its place. Pure. */
import { orderTerm } from './terms';
import type { ColumnId, Order } from './terms';

/** All runs, those with a star, or those that were deleted. */
export type RunsView = 'all' | 'starred' | 'deleted';

export interface ListWish {
  readonly search: string;
  readonly view: RunsView;
  /** null for the newest first. */
  readonly order: Order | null;
  /** Child runs below their parents; a filter always lists all that fit. */
  readonly nested: boolean;
  /** What rows hold; null for the main metrics. */
  readonly columns: readonly ColumnId[] | null;
}

export const START_WISH: ListWish = {
  search: '',
  view: 'all',
  order: null,
  nested: true,
  columns: null
};

/** The most columns that the server gives at once, and how long their names can be: an address ends. */
const MOST_COLUMNS = 200;
const MOST_CHARACTERS = 5500;
/** What an address needs for each column beside its name. */
const PER_COLUMN = '&columns='.length;

/** As many of the columns as can be asked for, the first ones. */
export function fitting(columns: readonly ColumnId[]): readonly ColumnId[] {
  let characters = 0;
  const end = columns.findIndex(column => {
    characters += PER_COLUMN + encodeURIComponent(column).length;
    return characters > MOST_CHARACTERS;
  });
  return columns.slice(0, Math.min(MOST_COLUMNS, end === -1 ? MOST_COLUMNS : end));
}

/** The tag that a star is. */
export const STAR = 'mltrack.starred';
const STARRED = `tags.\`${STAR}\` = 'true'`;
/** What makes a search a filter for the server: a comparison. */
const COMPARISON = /!=|>=|<=|=|>|<|\b(?:I?LIKE|RLIKE|(?:NOT\s+)?IN\s*\(|IS\s+(?:NOT\s+)?NULL)/i;

export interface WishQuery {
  readonly search: string;
  readonly orderBy: string | null;
  readonly columns: readonly ColumnId[] | null;
  readonly deleted: boolean;
  readonly roots: boolean;
}

/** True for a filter in MLflow's language; other searches are words of the name. */
export function isFilter(search: string): boolean {
  return COMPARISON.test(search);
}

/** The search, narrowed to runs with a star. */
function starred(search: string): string {
  if (search === '' || isFilter(search)) {
    return search === '' ? STARRED : `${search} and ${STARRED}`;
  }
  const words = search.split(/\s+/).map(word => {
    const like = `%${word.replace(/'/g, '_')}%`;
    return `attributes.run_name ILIKE '${like}'`;
  });
  return [...words, STARRED].join(' and ');
}

/** True when rows are the outermost runs, with their child runs below them. */
export function isTree(wish: ListWish): boolean {
  return wish.nested && wish.search.trim() === '' && wish.view === 'all';
}

export function queryOf(wish: ListWish): WishQuery {
  const search = wish.search.trim();
  return {
    search: wish.view === 'starred' ? starred(search) : search,
    orderBy: orderTerm(wish.order),
    columns: wish.columns === null ? null : fitting(wish.columns),
    deleted: wish.view === 'deleted',
    roots: isTree(wish)
  };
}

/** True when rows that were asked to hold `before` lack something of `now`. */
export function needsMore(
  before: readonly ColumnId[] | null,
  now: readonly ColumnId[] | null
): boolean {
  if (before === null || now === null) {
    return before !== now;
  }
  return now.some(column => !before.includes(column));
}
