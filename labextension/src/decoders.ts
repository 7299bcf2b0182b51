/**
 * From `unknown` to typed values: the pieces that decoders of whole answers are put together from.
 * An answer is copied field by field. Unknown fields are dropped.
 */
import type { ExperimentId, RunId, WorkspaceId } from './types';

/** An answer does not have the promised shape. */
export class DecodeError extends Error {}

export type Decoder<T> = (value: unknown, path: string) => T;
export type Fields<T> = { [K in keyof T]-?: Decoder<T[K]> };

export function fail(path: string, wanted: string): never {
  throw new DecodeError(`${path} is not ${wanted}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const text: Decoder<string> = (value, path) =>
  typeof value === 'string' ? value : fail(path, 'a text');

export const flag: Decoder<boolean> = (value, path) =>
  typeof value === 'boolean' ? value : fail(path, 'true or false');

export const number: Decoder<number> = (value, path) =>
  typeof value === 'number' && Number.isFinite(value) ? value : fail(path, 'a number');

export function nullable<T>(decoder: Decoder<T>): Decoder<T | null> {
  return (value, path) => (value === null || value === undefined ? null : decoder(value, path));
}

export function optional<T>(decoder: Decoder<T>, absent: () => T): Decoder<T> {
  return (value, path) => (value === undefined ? absent() : decoder(value, path));
}

export function list<T>(decoder: Decoder<T>): Decoder<T[]> {
  return (value, path) =>
    Array.isArray(value)
      ? value.map((item: unknown, index) => decoder(item, `${path}[${index}]`))
      : fail(path, 'a list');
}

export function oneOf<const T extends string>(...choices: T[]): Decoder<T> {
  return (value, path) =>
    choices.find(choice => choice === value) ?? fail(path, `one of ${choices.join(', ')}`);
}

/** An object of index -> text becomes a map: no prototype can stand in for an entry. */
export const indexMap: Decoder<Map<number, string>> = (value, path) => {
  if (!isRecord(value)) {
    return fail(path, 'an object');
  }
  return new Map(
    Object.entries(value).map(([key, item]) => [Number(key), text(item, `${path}.${key}`)])
  );
};

export function struct<T extends object>(fields: Fields<T>): Decoder<T> {
  return (value, path) => {
    if (!isRecord(value)) {
      return fail(path, 'an object');
    }
    const result: Partial<T> = {};
    for (const key in fields) {
      const own = Object.hasOwn(value, key) ? value[key] : undefined;
      result[key] = fields[key](own, path ? `${path}.${key}` : key);
    }
    assertWhole(result, fields);
    return result;
  };
}

function assertWhole<T extends object>(result: Partial<T>, fields: Fields<T>): asserts result is T {
  for (const key in fields) {
    if (!(key in result)) {
      fail(key, 'there');
    }
  }
}

type Id = RunId | WorkspaceId | ExperimentId;

/** A text of the server becomes an id of its kind here and nowhere else. */
export function branded<T extends Id>(): Decoder<T> {
  const isId = (value: unknown): value is T => typeof value === 'string' && value !== '';
  return (value, path) => (isId(value) ? value : fail(path, 'an id'));
}

export const empty = (): string => '';
export const zero = (): number => 0;
export const no = (): boolean => false;
export const emptyMap = (): Map<number, string> => new Map();
