/**
 * Which metrics share an axis: `loss` with `val_loss`, `train/acc` with `val/acc`. A family is the
 * name of a metric without the words that only say on which part of the data it was measured.
 */

const SPLIT_WORDS = new Set([
  'dev',
  'eval',
  'evaluation',
  'holdout',
  'test',
  'testing',
  'train',
  'training',
  'val',
  'valid',
  'validation'
]);

/** Spellings of the same thing. */
const SAME = new Map([['accuracy', 'acc']]);

/** Families that people look at first. */
const FIRST = ['loss', 'acc', 'error', 'mse', 'mae', 'rmse', 'f1', 'auc', 'r2', 'score'];

export interface Family {
  name: string;
  /** Keys in the order they came. */
  keys: string[];
}

/** The family's name: `val_loss` -> `loss`, `train/loss` -> `loss`, `val` -> `val`. */
export function familyOf(key: string): string {
  const parts = key.split(/([/_.\-\s]+)/);
  const kept: string[] = [];
  for (let index = 0; index < parts.length; index += 2) {
    const word = parts[index] ?? '';
    if (SPLIT_WORDS.has(word.toLowerCase())) {
      continue;
    }
    if (kept.length > 0) {
      kept.push(parts[index - 1] ?? '');
    }
    kept.push(word);
  }
  const name = kept.join('');
  return name === '' ? key : (SAME.get(name.toLowerCase()) ?? name);
}

/** Group keys by family; well-known families first, then in the order of their first key. */
export function groupFamilies(keys: readonly string[]): Family[] {
  const families = new Map<string, Family>();
  for (const key of keys) {
    const name = familyOf(key);
    const family = families.get(name);
    if (family === undefined) {
      families.set(name, { name, keys: [key] });
    } else {
      family.keys.push(key);
    }
  }
  return [...families.values()].sort((a, b) => rank(a.name) - rank(b.name));
}

function rank(name: string): number {
  const index = FIRST.indexOf(name.toLowerCase());
  return index === -1 ? FIRST.length : index;
}
