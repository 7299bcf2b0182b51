import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';
import { formatBytes } from '../../format';
import { endpointList } from '../../modelDecode';
import type { DeploymentInfo } from '../../types';
import {
  confirmWord,
  endpointWord,
  formatMs,
  formatSeconds,
  servedWords,
  statsWords,
  versionWord
} from '../words';

const trans = nullTranslator.load('jupyter_mltrack');

function endpoint(...deployments: object[]) {
  const [made] = endpointList(
    {
      endpoints: [
        {
          name: 'churn',
          target: 'local',
          workspace_id: 'w',
          workspace_name: 'w',
          state: 'ready',
          created_ms: 0,
          updated_ms: 0,
          asleep: true,
          deployments: deployments.map(one => ({ model: 'churn', uri: '', state: 'ready', ...one }))
        }
      ]
    },
    ''
  ).endpoints;
  if (made === undefined) {
    throw new Error('no endpoint');
  }
  return made;
}

const served = (...given: [string, number][]): string => {
  const made = given.map(([label, traffic_percent]) => ({
    label,
    traffic_percent,
    version: label
  }));
  const deployments: readonly DeploymentInfo[] = endpoint(...made).deployments;
  return servedWords(deployments);
};

describe('words', () => {
  it('says which versions are served, the larger share first', () => {
    expect(served(['5', 100], ['4', 0])).toBe('v5');
    expect(served(['4', 10], ['5', 90])).toBe('v5 90 % · v4 10 %');
    expect(served(['a1b2c3d4', 100])).toBe('a1b2c3d4');
    expect(served()).toBe('');
    expect(versionWord('7')).toBe('v7');
  });

  it('says that an endpoint sleeps, and of load only what there was', () => {
    const sleeping = endpoint();
    expect(endpointWord(sleeping, trans)).toBe('asleep');
    expect(statsWords(sleeping.stats, trans)).toEqual([]);
    const stats = { ...sleeping.stats, requests: 9, requests_per_s: 12.34, p95_ms: 6.21 };
    expect(statsWords(stats, trans)).toEqual(['12 req/s', 'p95 6.2 ms']);
  });

  it('writes sizes and times as people read them', () => {
    expect([0, 999, 1200, 34_000_000].map(formatBytes)).toEqual([
      '0 B',
      '999 B',
      '1.2 kB',
      '34 MB'
    ]);
    expect([null, 6.21, 140.4, 2100].map(formatMs)).toEqual(['–', '6.2 ms', '140 ms', '2.1 s']);
    expect([0.081, 0.44, 42.4, 125].map(formatSeconds)).toEqual([
      '81 ms',
      '0.4 s',
      '42 s',
      '02:05'
    ]);
  });

  it('asks for a plain word where a name cannot be typed as it is shown', () => {
    expect(confirmWord('churn model')).toBe('churn model');
    for (const name of ['a\u202eb', ' churn', 'x'.repeat(500), '\u200b']) {
      expect(confirmWord(name)).toBe('delete');
    }
  });
});
