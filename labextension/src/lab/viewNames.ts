/** The name of a run in the output of its cell opens the run's page. */
import { branded } from '../decoders';
import type { PanelTools } from '../panel/context';
import type { RunId, WorkspaceId } from '../types';

const NAME = '.jp-OutputArea .mltrack-ViewName[data-mltrack-run]';
const runOf = branded<RunId>();
const workspaceOf = branded<WorkspaceId>();

/** Listen to clicks on such names below a node. */
export function openOnClick(tools: PanelTools, node: HTMLElement): void {
  node.addEventListener('click', event => {
    const { target } = event;
    const name = target instanceof Element ? target.closest<HTMLElement>(NAME) : null;
    if (name === null || event.defaultPrevented || event.ctrlKey || event.metaKey) {
      return;
    }
    event.preventDefault(); // Neither a link to elsewhere, nor the fold of the line.
    const { mltrackRun, mltrackWorkspace } = name.dataset;
    const workspace = workspaceOf(mltrackWorkspace, 'workspace');
    tools.actions().openPage('run', { workspace, runIds: [runOf(mltrackRun, 'run')] });
  });
}
