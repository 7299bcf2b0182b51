/** What the keys do on a row of a list of runs. */
import type * as React from 'react';
import type { ListedRow } from '../store/runTree';
import type { RunsStore } from '../store/runsStore';
import type { RunSummary } from '../types';
import type { Acts } from './acts';

export interface RowDoings {
  readonly runs: RunsStore;
  readonly acts: Acts;
  /** Show what the row holds; its page where it holds nothing. */
  readonly open: (run: RunSummary) => void;
  readonly openPage: (run: RunSummary) => void;
  readonly rename: (run: RunSummary) => void;
  readonly ask: (asked: 'tags' | 'delete') => void;
}

/** For `aria-keyshortcuts` of rows. */
export const ROW_KEYS = 'Enter Space F2 Delete S T Control+Enter Control+A';

/** True when the key was for the row, and is done with. */
export function onRowKey(
  event: React.KeyboardEvent,
  row: ListedRow,
  next: ListedRow | null,
  doings: RowDoings
): boolean {
  const { runs } = doings;
  if (row.kind === 'more') {
    return event.key === 'Enter' && more(runs, row.parent);
  }
  if (event.altKey) {
    return false;
  }
  return event.ctrlKey || event.metaKey
    ? withControl(event, row.run, doings)
    : plain(event, row.run, next, doings);
}

function more(runs: RunsStore, parent: RunSummary['run_id']): true {
  runs.loadMoreBelow(parent);
  return true;
}

function withControl(event: React.KeyboardEvent, run: RunSummary, doings: RowDoings): boolean {
  if (event.key === 'a') {
    doings.runs.selectAll();
  } else if (event.key === 'Enter') {
    doings.openPage(run);
  } else {
    return false;
  }
  return true;
}

function plain(
  event: React.KeyboardEvent,
  run: RunSummary,
  next: ListedRow | null,
  doings: RowDoings
): boolean {
  const { runs, acts } = doings;
  const deleted = runs.wish.view === 'deleted';
  switch (event.key) {
    case 'Enter':
      doings.open(run);
      return true;
    case ' ':
      runs.select(run.run_id, event.shiftKey);
      return true;
    case 'Escape':
      return runs.selected.size > 0 && none(runs);
    case 'F2':
      return !deleted && done(() => doings.rename(run));
    case 's':
      return !deleted && done(() => acts.star([run], !run.starred));
    case 't':
      return !deleted && done(() => chosenOnly(runs, run, () => doings.ask('tags')));
    case 'Delete':
      return !deleted && done(() => chosenOnly(runs, run, () => doings.ask('delete')));
    case 'ArrowRight':
    case 'ArrowLeft':
      return turn(runs, run, event.key === 'ArrowRight');
    case 'ArrowDown':
    case 'ArrowUp':
      if (event.shiftKey && next?.kind === 'run') {
        if (!runs.selected.has(run.run_id)) {
          runs.select(run.run_id, false);
        }
        runs.select(next.run.run_id, true);
      }
      return false; // The list moves on.
    default:
      return false;
  }
}

function done(act: () => void): true {
  act();
  return true;
}

function none(runs: RunsStore): true {
  runs.selectNone();
  return true;
}

/** Act on what is chosen; on this run alone when it is not among that. */
export function chosenOnly(runs: RunsStore, run: RunSummary, act: () => void): void {
  if (!runs.selected.has(run.run_id)) {
    runs.selectNone();
    runs.select(run.run_id, false);
  }
  act();
}

/** Open or close the child runs of a run; true when that changed something. */
function turn(runs: RunsStore, run: RunSummary, open: boolean): boolean {
  const can = runs.isTree && run.children > 0 && runs.isBranchOpen(run.run_id) !== open;
  if (can) {
    runs.toggleBranch(run.run_id);
  }
  return can;
}
