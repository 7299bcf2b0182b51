/** A target's options as its JSON Schema describes them, made ready for a form. Pure. */
import type { OptionValue } from '../modelClient';
import { displayName } from '../text';

export type OptionKind = 'text' | 'integer' | 'number' | 'boolean' | 'choice' | 'list';

export interface OptionField {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly kind: OptionKind;
  /** Folded away. */
  readonly advanced: boolean;
  readonly choices: readonly string[];
  /** As it stands in the form: `true` and `false` for a boolean, commas in a list. */
  readonly initial: string;
  readonly minimum: number | null;
  readonly maximum: number | null;
  readonly required: boolean;
}

/** What stands in a form's fields, by name. */
export type Draft = ReadonlyMap<string, string>;

const MOST_FIELDS = 100;

/** The fields of a form; what cannot be read is left out. */
export function optionFields(schema: string): OptionField[] {
  const form = parsed(schema);
  const properties = record(form?.['properties']);
  if (properties === null) {
    return [];
  }
  const required = Array.isArray(form?.['required']) ? form['required'].map(String) : [];
  return Object.entries(properties)
    .slice(0, MOST_FIELDS)
    .flatMap(([name, property]) => {
      const said = record(property);
      return said === null ? [] : [field(name, said, required.includes(name))];
    });
}

function field(name: string, said: Record<string, unknown>, required: boolean): OptionField {
  const kind = kindOf(said);
  const fallback = kind === 'boolean' ? 'false' : '';
  return {
    name,
    title: words(said['title']) || displayName(name.replace(/_/g, ' ')),
    description: words(said['description']),
    kind,
    advanced: said['x-advanced'] === true,
    choices: Array.isArray(said['enum']) ? said['enum'].map(String) : [],
    initial: said['default'] === undefined ? fallback : written(said['default']),
    minimum: finite(said['minimum']),
    maximum: finite(said['maximum']),
    required
  };
}

function kindOf(said: Record<string, unknown>): OptionKind {
  if (Array.isArray(said['enum']) && said['enum'].length > 0) {
    return 'choice';
  }
  const { type } = said;
  const types: readonly unknown[] = Array.isArray(type) ? type : [type];
  switch (types.find(one => one !== 'null')) {
    case 'integer':
      return 'integer';
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'array':
      return 'list';
    default:
      return 'text';
  }
}

/** What the form starts with. */
export function initialDraft(fields: readonly OptionField[]): Draft {
  return new Map(fields.map(one => [one.name, one.initial]));
}

export type Fault = 'empty' | 'not-a-number' | 'not-whole' | 'too-small' | 'too-large';

/** What is wrong with what stands in a field; null when nothing is. */
export function faultOf(field: OptionField, value: string): Fault | null {
  const text = value.trim();
  if (text === '') {
    return field.required ? 'empty' : null;
  }
  if (field.kind !== 'integer' && field.kind !== 'number') {
    return null;
  }
  const number = Number(text);
  if (!Number.isFinite(number)) {
    return 'not-a-number';
  }
  if (field.kind === 'integer' && !Number.isInteger(number)) {
    return 'not-whole';
  }
  if (field.minimum !== null && number < field.minimum) {
    return 'too-small';
  }
  return field.maximum !== null && number > field.maximum ? 'too-large' : null;
}

/** What a deploy is given: only what differs from the defaults. */
export function changedOptions(
  fields: readonly OptionField[],
  draft: Draft
): { [name: string]: OptionValue } {
  const entries = fields.flatMap(field => {
    const text = draft.get(field.name) ?? field.initial;
    const same = text.trim() === field.initial.trim();
    const left = text.trim() === '' && field.kind !== 'text' && field.kind !== 'list';
    return same || left ? [] : [[field.name, typed(field, text)] as const];
  });
  return Object.fromEntries(entries);
}

function typed(field: OptionField, value: string): OptionValue {
  switch (field.kind) {
    case 'integer':
    case 'number':
      return Number(value);
    case 'boolean':
      return value === 'true';
    case 'list':
      return value
        .split(',')
        .map(one => one.trim())
        .filter(one => one !== '');
    case 'choice':
    case 'text':
      return value.trim();
  }
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    return record(JSON.parse(text));
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function record(value: unknown): Record<string, unknown> | null {
  return isRecord(value) ? value : null;
}

function words(value: unknown): string {
  return typeof value === 'string' && value.trim() !== '' ? displayName(value) : '';
}

function finite(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function written(value: unknown): string {
  if (Array.isArray(value)) {
    return value.map(String).join(', ');
  }
  return value === null ? '' : String(value);
}
