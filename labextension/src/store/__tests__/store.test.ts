import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runPage, workspaceList } from '../../decode';
import type { RunPage } from '../../types';
import { appendPage, renewFirstPage } from '../pages';
import { Pump } from '../pump';

function page(names: string[], next: string | null): RunPage {
  const runs = names.map(name => ({
    run_id: name,
    workspace_id: 'w',
    experiment_id: null,
    experiment: null,
    name,
    status: 'FINISHED',
    start_ms: Number(name.slice(1)),
    end_ms: null,
    metrics: []
  }));
  return runPage({ runs, next_page_token: next }, '');
}

const names = (rows: readonly { name: string }[]): string[] => rows.map(run => run.name);

describe('pages of runs', () => {
  it('adds no run twice when new ones shifted the pages', () => {
    const rows = page(['r9', 'r8'], 'x').runs;
    expect(names(appendPage(rows, page(['r8', 'r7'], null)))).toEqual(['r9', 'r8', 'r7']);
  });

  it('puts new runs in front and keeps what was behind', () => {
    const rows = page(['r9', 'r8', 'r7', 'r6'], 'x').runs;
    expect(names(renewFirstPage(rows, page(['r10', 'r9'], 'y')))).toEqual([
      'r10',
      'r9',
      'r8',
      'r7',
      'r6'
    ]);
  });

  it('lets go of a run that was deleted', () => {
    const rows = page(['r9', 'r8', 'r7'], 'x').runs;
    expect(names(renewFirstPage(rows, page(['r9', 'r7'], 'y')))).toEqual(['r9', 'r7']);
    expect(names(renewFirstPage(rows, page([], null)))).toEqual([]);
  });
});

describe('decode', () => {
  it('refuses an answer of another shape, naming the place', () => {
    expect(() => runPage({ runs: [{ run_id: 5 }] }, '')).toThrow('runs[0].run_id');
    expect(() => workspaceList([], '')).toThrow();
  });

  it('fills in what may be left out and drops what it does not know', () => {
    const [run] = page(['r1'], null).runs;
    expect(run).toMatchObject({ waiting_points: 0, live: false, error: null });
    expect(Object.keys(runPage({ runs: [], extra: 1 }, ''))).not.toContain('extra');
  });

  it('does not read what an object inherits', () => {
    const inherited: unknown = Object.create({ runs: [] });
    expect(() => runPage(inherited, '')).toThrow('runs');
  });
});

describe('Pump', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }));
  afterEach(() => vi.useRealTimers());

  it('goes at once, then once more for all that asked meanwhile', async () => {
    let finish = (): void => undefined;
    const action = vi.fn(() => new Promise<void>(resolve => (finish = resolve)));
    const pump = new Pump(action);
    void pump.request();
    void pump.request();
    void pump.request();
    expect(action).toHaveBeenCalledTimes(1);
    finish();
    await vi.advanceTimersByTimeAsync(0);
    expect(action).toHaveBeenCalledTimes(2);
    finish();
    await vi.advanceTimersByTimeAsync(0);
    expect(action).toHaveBeenCalledTimes(2);
  });

  it('waits for the gap after the last start', async () => {
    const action = vi.fn(() => Promise.resolve());
    const pump = new Pump(action, 100);
    await pump.request();
    const second = pump.request();
    await vi.advanceTimersByTimeAsync(50);
    expect(action).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(60);
    await second;
    expect(action).toHaveBeenCalledTimes(2);
  });

  it('does nothing after it was disposed of', async () => {
    const action = vi.fn(() => Promise.resolve());
    const pump = new Pump(action, 100);
    await pump.request();
    const waiting = pump.request();
    pump.dispose();
    await waiting;
    await vi.advanceTimersByTimeAsync(500);
    expect(action).toHaveBeenCalledTimes(1);
  });
});
