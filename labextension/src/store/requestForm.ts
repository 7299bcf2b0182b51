/**
 * A model's signature and input example as fields to fill in, and the request made from them.
 * Numbers go into the request as they were written: a long integer keeps all its digits. Pure.
 */
import type { ModelField, ModelSignature } from '../types';

export type InputKind = 'whole' | 'number' | 'boolean' | 'text' | 'json';

export interface InputField {
  readonly name: string;
  /** MLflow's word for the type. */
  readonly type: string;
  readonly kind: InputKind;
  /** False when nothing may be given. */
  readonly required: boolean;
  /** From the input example. */
  readonly initial: string;
  /** True for what is given beside the data: a parameter of the signature. */
  readonly param: boolean;
}

export type Fault = 'empty' | 'not-a-number' | 'not-whole' | 'not-json';

const WHOLE = /^[+-]?\d+$/;
const WHOLE_TYPES = new Set(['integer', 'long']);
const NUMBER_TYPES = new Set(['double', 'float']);
const JSON_TYPES = /^(array|object|map|tensor|any|sparkml vector)\b/i;

/** The fields of a request; none when the signature is not one of named columns. */
export function inputFields(
  signature: ModelSignature | null,
  example: string | null
): InputField[] {
  if (signature === null || signature.inputs.some(one => one.type.startsWith('tensor'))) {
    return [];
  }
  const row = exampleRow(example, signature.inputs);
  return [
    ...signature.inputs.map(one => toField(one, row.get(one.name), false)),
    ...signature.params.map(one => toField(one, parse(one.default), true))
  ];
}

function toField(said: ModelField, value: unknown, param: boolean): InputField {
  const kind = kindOf(said);
  return {
    name: said.name,
    type: said.type,
    kind,
    required: said.required && !param,
    initial: written(value, kind),
    param
  };
}

function kindOf(said: ModelField): InputKind {
  const type = said.type.toLowerCase();
  if (said.shape !== null || JSON_TYPES.test(type)) {
    return 'json';
  }
  if (WHOLE_TYPES.has(type)) {
    return 'whole';
  }
  if (NUMBER_TYPES.has(type)) {
    return 'number';
  }
  return type === 'boolean' ? 'boolean' : 'text';
}

function written(value: unknown, kind: InputKind): string {
  if (value === undefined || value === null) {
    return '';
  }
  return typeof value === 'string' && kind !== 'json' ? value : JSON.stringify(value);
}

// ---------------------------------------------------------------------------- example

/** The first row of the input example by column. */
export function exampleRow(
  example: string | null,
  inputs: readonly ModelField[]
): ReadonlyMap<string, unknown> {
  const said = parse(example);
  const split = record(record(said)?.['dataframe_split']) ?? record(said);
  const columns = split?.['columns'];
  const data = split?.['data'];
  if (Array.isArray(columns) && Array.isArray(data)) {
    const first: unknown = data[0];
    const cells: readonly unknown[] = Array.isArray(first) ? first : [];
    return new Map(columns.map((name, index) => [String(name), cells[index]]));
  }
  if (Array.isArray(data) && Array.isArray(data[0])) {
    const cells: readonly unknown[] = data[0];
    return new Map(inputs.map((one, index) => [one.name, cells[index]]));
  }
  const records = record(said)?.['dataframe_records'] ?? record(said)?.['inputs'] ?? said;
  return recordRow(records);
}

/** The first row of a list of rows, or of columns. */
function recordRow(said: unknown): ReadonlyMap<string, unknown> {
  const first = record(Array.isArray(said) ? said[0] : said);
  return new Map(
    Object.entries(first ?? {}).map(([name, value]) => [
      name,
      !Array.isArray(said) && Array.isArray(value) ? value[0] : value
    ])
  );
}

// ---------------------------------------------------------------------------- request

/** What is wrong with what stands in a field; null when nothing is. */
export function inputFault(field: InputField, value: string): Fault | null {
  const text = value.trim();
  if (text === '') {
    return field.required && field.kind !== 'text' ? 'empty' : null;
  }
  switch (field.kind) {
    case 'whole':
      return WHOLE.test(text) ? null : Number.isFinite(Number(text)) ? 'not-whole' : 'not-a-number';
    case 'number':
      return Number.isFinite(Number(text)) || /^nan$/i.test(text) ? null : 'not-a-number';
    case 'json':
      return parse(text) === undefined ? 'not-json' : null;
    case 'boolean':
    case 'text':
      return null;
  }
}

/** JSON text of a request with one row. Fields without a fault are expected. */
export function requestBody(
  fields: readonly InputField[],
  values: ReadonlyMap<string, string>
): string {
  const columns = fields.filter(one => !one.param);
  const params = fields.filter(one => one.param && (values.get(keyOf(one)) ?? '').trim() !== '');
  const names = columns.map(one => JSON.stringify(one.name)).join(', ');
  const cells = columns.map(one => literal(one, values.get(keyOf(one)) ?? '')).join(', ');
  const data = `"dataframe_split": {\n    "columns": [${names}],\n    "data": [[${cells}]]\n  }`;
  const given = params.map(
    one => `${JSON.stringify(one.name)}: ${literal(one, values.get(keyOf(one)) ?? '')}`
  );
  const rest = given.length > 0 ? `,\n  "params": {${given.join(', ')}}` : '';
  return `{\n  ${data}${rest}\n}`;
}

/** Under which name a field's value is kept: a parameter may have a column's name. */
export function keyOf(field: InputField): string {
  return `${field.param ? 'param' : 'input'} ${field.name}`;
}

function literal(field: InputField, value: string): string {
  const text = value.trim();
  if (text === '') {
    return field.kind === 'text' && field.required ? '""' : 'null';
  }
  switch (field.kind) {
    case 'whole':
      return text.replace(/^\+/, '').replace(/^(-?)0+(?=\d)/, '$1');
    case 'number':
      return /^nan$/i.test(text) ? 'null' : numeral(text);
    case 'boolean':
      return text === 'true' ? 'true' : 'false';
    case 'json':
      return text;
    case 'text':
      return JSON.stringify(value);
  }
}

/** As it was written where that is JSON, else as JavaScript writes it. */
function numeral(text: string): string {
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? text : String(Number(text));
}

/** A request to begin with where there are no fields: the example as it would be sent. */
export function exampleBody(example: string | null): string {
  const said = parse(example);
  if (said === undefined || said === null) {
    return '{\n  "inputs": []\n}';
  }
  const split = record(said);
  if (split !== null && 'columns' in split && 'data' in split) {
    const { columns, data } = split;
    return JSON.stringify({ dataframe_split: { columns, data } }, null, 2);
  }
  if (
    split !== null &&
    ['inputs', 'dataframe_split', 'dataframe_records'].some(one => one in split)
  ) {
    return JSON.stringify(said, null, 2);
  }
  return JSON.stringify({ inputs: split?.['data'] ?? said }, null, 2);
}

function parse(text: string | null): unknown {
  if (text === null) {
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function record(value: unknown): Record<string, unknown> | null {
  return isRecord(value) ? value : null;
}
