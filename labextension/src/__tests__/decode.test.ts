import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as decode from '../decode';

const GOLDEN = `${__dirname}/../../../tests/contract/golden`;

const DECODERS: Record<string, decode.Decoder<object>> = {
  LiveRuns: decode.liveRuns,
  Nudge: decode.nudge,
  Problem: decode.problem,
  Series: decode.series,
  WorkspaceList: decode.workspaceList
};

function load(file: string): unknown {
  return JSON.parse(readFileSync(`${GOLDEN}/${file}`, 'utf-8'));
}

/** Maps as the objects that JSON has. */
function plain(value: unknown): unknown {
  if (value instanceof Map) {
    return Object.fromEntries(value);
  }
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
    : value;
}

describe('samples that the server wrote', () => {
  const files = readdirSync(GOLDEN).filter(file => /^[A-Z]\w*-/.test(file));

  it('are there', () => {
    expect(files.length).toBeGreaterThanOrEqual(5);
  });

  it.each(files)('%s is read without loss', file => {
    const decoder = DECODERS[file.split('-')[0] ?? ''];
    expect(decoder).toBeDefined();
    const sample = load(file);
    expect(plain(decoder?.(sample, ''))).toEqual(sample);
  });
});
