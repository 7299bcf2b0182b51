/** Which rows of a list are chosen; the last one that was clicked is where a range begins. Pure. */

export interface Selection<K> {
  readonly chosen: ReadonlySet<K>;
  readonly anchor: K | null;
}

export function nothing<K>(): Selection<K> {
  return { chosen: new Set(), anchor: null };
}

/** Choose a row, or take it out. */
export function toggled<K>(selection: Selection<K>, key: K): Selection<K> {
  const chosen = new Set(selection.chosen);
  if (!chosen.delete(key)) {
    chosen.add(key);
  }
  return { chosen, anchor: key };
}

/** Choose all rows from the anchor to this one as well. */
export function extended<K>(selection: Selection<K>, keys: readonly K[], key: K): Selection<K> {
  const { anchor } = selection;
  const from = anchor === null ? -1 : keys.indexOf(anchor);
  const to = keys.indexOf(key);
  if (from === -1 || to === -1) {
    return toggled(selection, key);
  }
  const range = keys.slice(Math.min(from, to), Math.max(from, to) + 1);
  return { chosen: new Set([...selection.chosen, ...range]), anchor };
}

export function all<K>(keys: readonly K[]): Selection<K> {
  return { chosen: new Set(keys), anchor: keys[0] ?? null };
}

/** Leave out what is not in the list any more. */
export function pruned<K>(selection: Selection<K>, keys: readonly K[]): Selection<K> {
  const there = new Set(keys);
  const chosen = new Set([...selection.chosen].filter(key => there.has(key)));
  if (chosen.size === selection.chosen.size) {
    return selection;
  }
  const { anchor } = selection;
  return { chosen, anchor: anchor !== null && there.has(anchor) ? anchor : null };
}
