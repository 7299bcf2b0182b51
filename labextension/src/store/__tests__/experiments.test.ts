import { describe, expect, it } from 'vitest';
import { experimentList, runPage } from '../../decode';
import type { ExperimentInfo, RunSummary } from '../../types';
import { renumbered, UnlistedExperiments } from '../experiments';

function runs(...about: [string | null, string | null][]): readonly RunSummary[] {
  const rows = about.map(([experiment_id, experiment], index) => ({
    run_id: `r${index}`,
    workspace_id: 'w',
    experiment_id,
    experiment,
    name: 'run',
    status: 'FINISHED',
    start_ms: 1,
    end_ms: null,
    metrics: []
  }));
  return runPage({ runs: rows, next_page_token: null }, '').runs;
}

function listed(...about: [string, string][]): readonly ExperimentInfo[] {
  const experiments = about.map(([id, name]) => ({ id, name, run_count: null }));
  return experimentList({ experiments }, '').experiments;
}

describe('experiments that the list does not have', () => {
  it('asks for one that waits for the store by its name, and once only', () => {
    const unlisted = new UnlistedExperiments();
    const known = listed(['0', 'Default']);
    expect(unlisted.foundIn(runs([null, 'Default'], [null, null], ['0', 'Default']), known)).toBe(
      false
    );
    expect(unlisted.foundIn(runs([null, 'digits']), known)).toBe(true);
    expect(unlisted.foundIn(runs([null, 'digits']), known)).toBe(false);
    unlisted.clear();
    expect(unlisted.foundIn(runs([null, 'digits']), known)).toBe(true);
  });

  it('asks for one that the store has until the list has it under its number', () => {
    const unlisted = new UnlistedExperiments();
    const waiting = listed(['digits', 'digits']);
    expect(unlisted.foundIn(runs(['1', 'digits']), waiting)).toBe(true);
    expect(unlisted.foundIn(runs(['1', 'digits']), waiting)).toBe(true);
    expect(unlisted.foundIn(runs(['1', 'digits']), listed(['1', 'digits']))).toBe(false);
  });

  it('keeps the choice when what was chosen gets its number', () => {
    const [byName] = listed(['digits', 'digits']);
    const stored = listed(['1', 'digits'], ['2', 'other']);
    expect(renumbered(byName?.id ?? null, stored)).toBe('1');
    expect(renumbered(stored[1]?.id ?? null, stored)).toBe('2');
    expect(renumbered(byName?.id ?? null, [])).toBe('digits');
    expect(renumbered(null, stored)).toBe(null);
  });
});
