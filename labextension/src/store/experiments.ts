/** When the list of experiments is behind what runs say, and the one that was chosen in it. */
import type { ExperimentId, ExperimentInfo, RunSummary } from '../types';

/** Rows that are looked at, the newest of a list. */
const LOOKED_AT = 200;

export class UnlistedExperiments {
  private readonly askedNames = new Set<string>();

  /** Another workspace is shown. */
  clear(): void {
    this.askedNames.clear();
  }

  /**
   * Whether the list is to be asked for again. A run that waits for the store has the name of its
   * experiment only: for a name once is enough, because the list may be out of reach for long.
   */
  foundIn(runs: readonly RunSummary[], listed: readonly ExperimentInfo[]): boolean {
    const ids = new Set(listed.map(one => one.id));
    const names = new Set(listed.map(one => one.name));
    return runs.slice(0, LOOKED_AT).filter(run => this.isNew(run, ids, names)).length > 0;
  }

  private isNew(
    { experiment_id: id, experiment: name }: RunSummary,
    ids: ReadonlySet<string>,
    names: ReadonlySet<string>
  ): boolean {
    if (id !== null) {
      return !ids.has(id);
    }
    if (name === null || names.has(name) || this.askedNames.has(name)) {
      return false;
    }
    this.askedNames.add(name);
    return true;
  }
}

/** What was chosen while only journals knew it, by name, gets its number once the store has it. */
export function renumbered(
  chosen: ExperimentId | null,
  listed: readonly ExperimentInfo[]
): ExperimentId | null {
  return chosen === null || listed.some(one => one.id === chosen)
    ? chosen
    : (listed.find(one => one.name === chosen)?.id ?? chosen);
}
