import { describe, expect, it } from 'vitest';
import type { ModelField, ModelSignature } from '../../types';
import { exampleBody, inputFault, inputFields, keyOf, requestBody } from '../requestForm';

const field = (name: string, type: string, more: Partial<ModelField> = {}): ModelField => ({
  name,
  type,
  required: true,
  shape: null,
  default: null,
  ...more
});

const read = (json: string): unknown => JSON.parse(json);

const signature = (inputs: ModelField[], params: ModelField[] = []): ModelSignature => ({
  inputs,
  outputs: [],
  params
});

const COLUMNS = signature(
  [
    field('age', 'long'),
    field('income', 'double', { required: false }),
    field('member', 'boolean'),
    field('city', 'string'),
    field('tags', 'array({"items": "string"})')
  ],
  [field('limit', 'integer', { default: '5' })]
);
const EXAMPLE =
  '{"columns": ["age", "income", "member", "city"], "data": [[41, null, true, "Oslo"]]}';

function values(given: Record<string, string>): Map<string, string> {
  const fields = inputFields(COLUMNS, EXAMPLE);
  return new Map(fields.map(one => [keyOf(one), given[one.name] ?? one.initial]));
}

describe('inputFields', () => {
  it('takes kinds from the signature and values from the example', () => {
    const fields = inputFields(COLUMNS, EXAMPLE);
    expect(fields.map(one => [one.name, one.kind, one.initial, one.required])).toEqual([
      ['age', 'whole', '41', true],
      ['income', 'number', '', false],
      ['member', 'boolean', 'true', true],
      ['city', 'text', 'Oslo', true],
      ['tags', 'json', '', true],
      ['limit', 'whole', '5', false]
    ]);
  });

  it('reads every form in which an example is saved', () => {
    for (const example of [
      EXAMPLE,
      `{"dataframe_split": ${EXAMPLE}}`,
      '[{"age": 41, "city": "Oslo"}]',
      '{"dataframe_records": [{"age": 41}]}',
      '{"inputs": {"age": [41, 42]}}',
      '{"age": 41}',
      '{"data": [[41, 1.5]]}'
    ]) {
      expect(inputFields(COLUMNS, example)[0]?.initial).toBe('41');
    }
    for (const nothing of [null, '', '{', '[]', '7', '{"columns": 3}', '{"data": [7]}']) {
      expect(inputFields(COLUMNS, nothing)[0]?.initial).toBe('');
    }
  });

  it('makes no form for tensors or where there is no signature', () => {
    expect(inputFields(null, EXAMPLE)).toEqual([]);
    expect(
      inputFields(signature([field('0', 'tensor(float32)', { shape: [-1, 4] })]), null)
    ).toEqual([]);
  });

  it('keeps a column apart from a parameter of the same name', () => {
    const fields = inputFields(signature([field('a', 'long')], [field('a', 'long')]), null);
    expect(new Set(fields.map(keyOf)).size).toBe(2);
  });
});

describe('inputFault', () => {
  it('wants what the type wants', () => {
    const [age, income, , city, tags] = inputFields(COLUMNS, null);
    const fault = (one: typeof age, value: string): unknown =>
      one === undefined ? 'no field' : inputFault(one, value);
    expect(['', '7', '-7', '1.5', 'x'].map(one => fault(age, one))).toEqual([
      'empty',
      null,
      null,
      'not-whole',
      'not-a-number'
    ]);
    expect(['', '1e3', 'nan', 'x'].map(one => fault(income, one))).toEqual([
      null,
      null,
      null,
      'not-a-number'
    ]);
    expect(fault(city, '')).toBeNull();
    expect(fault(tags, '[1')).toBe('not-json');
  });
});

describe('requestBody', () => {
  it('is a table of one row, with parameters beside it', () => {
    const body = requestBody(inputFields(COLUMNS, EXAMPLE), values({ tags: '["a"]' }));
    expect(read(body)).toEqual({
      dataframe_split: {
        columns: ['age', 'income', 'member', 'city', 'tags'],
        data: [[41, null, true, 'Oslo', ['a']]]
      },
      params: { limit: 5 }
    });
  });

  it('keeps every digit of a long number', () => {
    const body = requestBody(
      inputFields(COLUMNS, EXAMPLE),
      values({ age: '+9007199254740993', income: '0.1000000000000000055' })
    );
    expect(body).toContain('9007199254740993');
    expect(body).toContain('0.1000000000000000055');
  });

  it('is JSON whatever is written', () => {
    for (const income of ['.5', '1.', '+2', '1e400', 'NaN', '007', '0x10']) {
      const [, field] = inputFields(COLUMNS, null);
      if (field === undefined || inputFault(field, income) !== null) {
        continue;
      }
      const body = requestBody(inputFields(COLUMNS, EXAMPLE), values({ income, age: '007' }));
      expect(() => read(body)).not.toThrow();
    }
    const odd = requestBody(
      inputFields(signature([field('"},{\u2028', 'string')]), null),
      new Map([['input "},{\u2028', '"],["\\']])
    );
    expect(read(odd)).toMatchObject({ dataframe_split: { data: [['"],["\\']] } });
  });
});

describe('exampleBody', () => {
  it('is what the scoring server takes', () => {
    expect(read(exampleBody('[[1, 2]]'))).toEqual({ inputs: [[1, 2]] });
    expect(read(exampleBody(EXAMPLE))).toHaveProperty('dataframe_split.columns');
    expect(read(exampleBody('{"inputs": [1]}'))).toEqual({ inputs: [1] });
    expect(read(exampleBody(null))).toEqual({ inputs: [] });
  });
});
