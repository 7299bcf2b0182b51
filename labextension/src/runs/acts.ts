/** What the views have done to runs: at once in the lists, told in passing, with a way back. */
import * as React from 'react';
import { useTools } from '../panel/context';
import type { PanelTools } from '../panel/context';
import { formatCount } from '../format';
import { displayName } from '../text';
import type { Problem, RunId, RunSummary, WorkspaceId } from '../types';

export interface Acts {
  star(runs: readonly RunSummary[], on: boolean): void;
  tag(runs: readonly RunSummary[], key: string, value: string | null): Promise<Problem | null>;
  rename(run: RunSummary, name: string): void;
  remove(runs: readonly RunSummary[]): void;
  restore(runs: readonly RunSummary[]): void;
}

/** All of one workspace: lists hold no others. */
interface Place {
  readonly workspace: WorkspaceId;
  readonly ids: readonly RunId[];
}

function placeOf(runs: readonly RunSummary[]): Place | null {
  const [first] = runs;
  return first === undefined
    ? null
    : { workspace: first.workspace_id, ids: runs.map(run => run.run_id) };
}

export function useActs(): Acts {
  const tools = useTools();
  return React.useMemo(() => makeActs(tools), [tools]);
}

function makeActs(tools: PanelTools): Acts {
  const { acts } = tools.store.lists;
  return {
    star(runs, on) {
      const place = placeOf(runs);
      if (place !== null) {
        const { workspace, ids } = place;
        void acts.star(workspace, ids, on).then(failed => failed && tell(tools, failed));
      }
    },
    async tag(runs, key, value) {
      const place = placeOf(runs);
      return place === null ? null : acts.tag(place.workspace, place.ids, key, value);
    },
    rename(run, name) {
      const { workspace_id: workspace, run_id: id } = run;
      const { trans } = tools;
      const message = trans.__('%1 is now %2', displayName(run.name), displayName(name));
      void acts
        .rename(workspace, id, name)
        .then(failed => done(tools, failed, message, () => acts.rename(workspace, id, run.name)));
    },
    remove: runs => removeOrRestore(tools, runs, true),
    restore: runs => removeOrRestore(tools, runs, false)
  };
}

function removeOrRestore(tools: PanelTools, runs: readonly RunSummary[], remove: boolean): void {
  const place = placeOf(runs);
  if (place === null) {
    return;
  }
  const { store, trans } = tools;
  const { acts } = store.lists;
  const { workspace, ids } = place;
  const act = (removing: boolean): Promise<Problem | null> =>
    removing ? acts.remove(workspace, ids) : acts.restore(workspace, ids);
  const named = wordsFor(runs, trans);
  const message = remove ? trans.__('%1 deleted', named) : trans.__('%1 restored', named);
  void act(remove).then(failed => done(tools, failed, message, () => act(!remove)));
}

function wordsFor(runs: readonly RunSummary[], trans: PanelTools['trans']): string {
  const [first] = runs;
  return runs.length === 1 && first !== undefined
    ? displayName(first.name)
    : trans._n('%2 run', '%2 runs', runs.length, formatCount(runs.length));
}

/** Tell what was done, with a way back; or why it was not. */
function done(
  tools: PanelTools,
  problem: Problem | null,
  message: string,
  undo: () => Promise<Problem | null>
): void {
  if (problem === null) {
    const back = (): void => void undo().then(failed => failed && tell(tools, failed));
    tools.actions().notify({ message, undo: back });
  } else {
    tell(tools, problem);
  }
}

function tell(tools: PanelTools, problem: Problem): void {
  const words = [problem.message, problem.hint].filter(text => text !== '').map(displayName);
  tools.actions().notify({ message: words.join(' · '), kind: 'error' });
}
