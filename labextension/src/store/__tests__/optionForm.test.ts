import { describe, expect, it } from 'vitest';
import { changedOptions, faultOf, initialDraft, optionFields } from '../optionForm';
import type { OptionField } from '../optionForm';

const SCHEMA = JSON.stringify({
  title: 'This machine',
  properties: {
    replicas: { type: 'integer', title: 'Replicas', default: 1, minimum: 1, maximum: 8 },
    sample: { type: 'number', default: 0.5, 'x-advanced': true },
    keep: { type: 'boolean', default: true },
    env: { type: 'string', enum: ['local', 'uv'], default: 'local' },
    hidden: { type: 'array', default: [], 'x-advanced': true },
    note: { type: ['null', 'string'], description: 'Any words.' }
  },
  required: ['note']
});

function fieldNamed(name: string): OptionField {
  const found = optionFields(SCHEMA).find(one => one.name === name);
  if (found === undefined) {
    throw new Error(name);
  }
  return found;
}

describe('optionFields', () => {
  it('reads kinds, defaults, bounds and what is folded', () => {
    const fields = optionFields(SCHEMA);
    expect(fields.map(one => [one.name, one.kind, one.initial, one.advanced])).toEqual([
      ['replicas', 'integer', '1', false],
      ['sample', 'number', '0.5', true],
      ['keep', 'boolean', 'true', false],
      ['env', 'choice', 'local', false],
      ['hidden', 'list', '', true],
      ['note', 'text', '', false]
    ]);
    expect(fieldNamed('replicas')).toMatchObject({ minimum: 1, maximum: 8, title: 'Replicas' });
    expect(fieldNamed('note')).toMatchObject({ required: true, description: 'Any words.' });
  });

  it('makes an empty form of what is no schema', () => {
    for (const schema of [
      '',
      '{',
      '[]',
      '7',
      '{}',
      '{"properties": 3}',
      '{"properties": {"a": 1}}'
    ]) {
      expect(optionFields(schema)).toEqual([]);
    }
  });

  it('does not take what an object inherits for a field', () => {
    const fields = optionFields('{"properties": {"__proto__": {"type": "string"}}}');
    expect(fields.map(one => one.name)).toEqual(['__proto__']);
  });
});

describe('faultOf', () => {
  it('checks numbers and their bounds', () => {
    const replicas = fieldNamed('replicas');
    expect(['', '1', '8', '1.5', 'x', '0', '9'].map(one => faultOf(replicas, one))).toEqual([
      null,
      null,
      null,
      'not-whole',
      'not-a-number',
      'too-small',
      'too-large'
    ]);
    expect(faultOf(fieldNamed('note'), ' ')).toBe('empty');
  });
});

describe('changedOptions', () => {
  it('sends nothing of a form that nobody touched', () => {
    const fields = optionFields(SCHEMA);
    expect(changedOptions(fields, initialDraft(fields))).toEqual({});
  });

  it('sends what was changed with its own type', () => {
    const fields = optionFields(SCHEMA);
    const draft = new Map([
      ['replicas', '3'],
      ['sample', ''],
      ['keep', 'false'],
      ['env', 'uv'],
      ['hidden', 'name, ,email '],
      ['note', ' hello ']
    ]);
    expect(changedOptions(fields, draft)).toEqual({
      replicas: 3,
      keep: false,
      env: 'uv',
      hidden: ['name', 'email'],
      note: 'hello'
    });
  });
});
