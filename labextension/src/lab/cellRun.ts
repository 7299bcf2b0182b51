/**
 * Which run a cell made: its output says it in its metadata, and when the cell has been executed
 * the cell's own metadata says it too, which stays when outputs are cleared.
 */
import type { ICellModel } from '@jupyterlab/cells';
import { isCodeCellModel } from '@jupyterlab/cells';
import { branded, DecodeError, struct } from '../decoders';
import type { RunId, WorkspaceId } from '../types';

export interface CellRun {
  readonly runId: RunId;
  readonly workspace: WorkspaceId;
}

const told = struct<{ run_id: RunId; workspace_id: WorkspaceId }>({
  run_id: branded<RunId>(),
  workspace_id: branded<WorkspaceId>()
});

/** The key in the metadata of cells and of outputs. */
const KEY = 'mltrack';

/** The run that the outputs name, else the one that the cell itself names; null for none. */
export function runOfCell(model: ICellModel): CellRun | null {
  return runOfOutputs(model) ?? toldBy(model.getMetadata(KEY));
}

/** Have the metadata of a cell that was just executed name the run that it made, if it made one. */
export function noteRun(model: ICellModel): void {
  const run = runOfOutputs(model);
  if (run === null) {
    model.deleteMetadata(KEY);
  } else {
    nameRun(model, run);
  }
}

/** Have the metadata of a cell name a run. */
export function nameRun(model: ICellModel, run: CellRun): void {
  if (toldBy(model.getMetadata(KEY))?.runId !== run.runId) {
    model.setMetadata(KEY, { run_id: run.runId, workspace_id: run.workspace });
  }
}

/** The run of the newest output that names one; null when none does. */
function runOfOutputs(model: ICellModel): CellRun | null {
  if (!isCodeCellModel(model)) {
    return null;
  }
  for (let index = model.outputs.length - 1; index >= 0; index--) {
    const found = toldBy(model.outputs.get(index).metadata[KEY]);
    if (found !== null) {
      return found;
    }
  }
  return null;
}

function toldBy(said: unknown): CellRun | null {
  if (said === undefined) {
    return null;
  }
  try {
    const { run_id: runId, workspace_id: workspace } = told(said, '');
    return { runId, workspace };
  } catch (error) {
    if (error instanceof DecodeError) {
      return null;
    }
    throw error;
  }
}
