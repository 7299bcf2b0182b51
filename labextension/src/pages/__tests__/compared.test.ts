import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';
import type { ExperimentId, RunDetail, RunId, WorkspaceId } from '../../types';
import { onAxis } from '../compare/curves';
import { firstAxes, makeDimension } from '../compare/dimension';
import { comparedMarkdown } from '../compare/markdown';
import { logPays, makeScale, ticksOf } from '../compare/scale';
import { aim, bestOf, valueRows } from '../compare/values';
import { cell, markdownOf } from '../run/markdown';
import { pythonText, snippetsOf } from '../run/snippets';

const trans = nullTranslator.load('jupyter_mltrack');
const isId = <T extends RunId | WorkspaceId | ExperimentId>(id: unknown): id is T => id !== '';

function id<T extends RunId | WorkspaceId | ExperimentId>(text: string): T {
  const given: unknown = text;
  if (!isId<T>(given)) {
    throw new Error('empty');
  }
  return given;
}

function run(name: string, metrics: [string, number][], params: [string, string][]): RunDetail {
  return {
    summary: {
      run_id: id<RunId>(name),
      workspace_id: id<WorkspaceId>('w'),
      experiment_id: null,
      experiment: 'sweep',
      name,
      status: 'FINISHED',
      start_ms: 1000,
      end_ms: 3000,
      metrics: metrics.map(([key, value]) => ({
        key,
        value: Number.isFinite(value) ? value : null,
        text: String(value),
        step: 0,
        timestamp_ms: 0
      })),
      parent_run_id: null,
      notebook: null,
      error: null,
      waiting_points: 0,
      live: false,
      hidden_metrics: 0,
      params: [],
      tags: [],
      user: '',
      starred: false,
      deleted: false,
      children: 0,
      attempt: 1
    },
    params: params.map(([key, value]) => ({ key, value })),
    tags: [{ key: 'mlflow.user', value: name }],
    artifact_uri: null,
    link: null,
    merged: false,
    models: ['model']
  };
}

const A = run('a', [['loss', 0.5], ['val_acc', 0.9]], [['lr', '0.1'], ['opt', 'adam']]); // prettier-ignore
const B = run('b', [['loss', 0.25], ['val_acc', NaN]], [['lr', '0.001'], ['opt', 'adam']]); // prettier-ignore

describe('values', () => {
  it('are rows over all runs, without the tags that are kept for ourselves', () => {
    const rows = valueRows([A, B]);
    expect(rows.map(row => [row.kind, row.key, row.differs])).toEqual([
      ['metrics', 'loss', true],
      ['metrics', 'val_acc', true],
      ['params', 'lr', true],
      ['params', 'opt', false]
    ]);
    expect(rows[1]?.numbers).toEqual([0.9, null]);
  });

  it('have a best one only where a name says what is better', () => {
    const [loss, acc, lr] = valueRows([A, B]);
    expect(loss && [...bestOf(loss)]).toEqual([1]);
    expect(acc && [...bestOf(acc)]).toEqual([]);
    expect(lr && [...bestOf(lr)]).toEqual([]);
    expect([aim('train/loss'), aim('top-1 accuracy'), aim('lossless_x')]).toEqual([
      'least',
      'most',
      null
    ]);
  });

  it('become axes: what was tried first, what came of it last', () => {
    const rows = valueRows([A, B]).filter(row => row.differs);
    expect(firstAxes(rows).map(row => row.key)).toEqual(['lr', 'loss', 'val_acc']);
    const [, , lr] = rows;
    expect(lr && makeDimension(lr, null)).toMatchObject({ log: true, places: [1, 0] });
  });
});

describe('scale', () => {
  it('places the largest numbers, which have no difference', () => {
    const scale = makeScale([-1.7e308, 1.7e308], false);
    expect([scale.place(-1.7e308), scale.place(0), scale.place(1.7e308)]).toEqual([0, 0.5, 1]);
  });

  it('places equal values in the middle and writes one of them', () => {
    const scale = makeScale([3, 3], false);
    expect(scale.place(3)).toBe(0.5);
    expect(ticksOf(scale)).toEqual([3]);
  });

  it('is logarithmic where that shows more', () => {
    expect([logPays([1e-4, 1]), logPays([1, 5]), logPays([0, 100])]).toEqual([true, false, false]);
    expect(ticksOf(makeScale([1e-4, 1], true))).toEqual([1e-4, 1e-3, 1e-2, 0.1, 1]);
  });

  it('writes nothing between whole numbers', () => {
    expect(ticksOf(makeScale([1, 3], false))).toEqual([1, 2, 3]);
  });
});

describe('curves', () => {
  const points = {
    key: 'loss',
    steps: [0, 1, 2],
    timestampsMs: [1000, 1500, 2000],
    values: [3, 2, 1],
    lastText: '',
    total: 3
  };

  it('begin at the start of their own run', () => {
    expect(onAxis(points, A, 'relative')).toMatchObject({ key: 'a', timestampsMs: [0, 500, 1000] });
  });

  it('are drawn over another metric at the same steps', () => {
    const epochs = { ...points, steps: [1, 2], values: [10, 11], total: 2 };
    const line = onAxis(points, A, { metric: 'epoch' }, epochs);
    expect([line.steps, line.values]).toEqual([
      [10, 11],
      [2, 1]
    ]);
  });
});

describe('copies', () => {
  it('of names are no markup in Markdown', () => {
    expect(cell('a|b <img src=x> `c` [d](e)\nf')).toBe(
      'a\\|b &lt;img src=x&gt; \\`c\\` \\[d\\](e) f'
    );
  });

  it('of runs are tables', () => {
    expect(markdownOf(A, null, [], trans)).toContain('| loss | 0.5 |  |  |');
    expect(comparedMarkdown([A, B], trans)).toContain('| loss | 0.5 | 0.25 (best) |');
  });

  it('of code hold names as literals', () => {
    expect(pythonText('a"\\\n\u202eé')).toBe('"a\\"\\\\\\U0000000a\\U0000202eé"');
    expect(snippetsOf(A, trans)[0]?.code).toContain('load_model("runs:/a/model")');
  });
});
