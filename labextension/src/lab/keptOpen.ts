/** What somebody opened while a cell ran is open in the form that takes its place. */
import type { RunId } from '../types';

/** A form that has not come after this comes no more: the notebook was closed. */
const LIMIT_MS = 5000;

/** Open the static form of a run below a node, once it is there. */
export function openStaticForm(below: Element, runId: RunId): void {
  if (openedNow(below, runId)) {
    return;
  }
  const observer = new MutationObserver(() => {
    if (openedNow(below, runId)) {
      observer.disconnect();
    }
  });
  observer.observe(below, { childList: true, subtree: true });
  setTimeout(() => observer.disconnect(), LIMIT_MS);
}

function openedNow(below: Element, runId: RunId): boolean {
  const names = below.querySelectorAll<HTMLElement>('details .mltrack-ViewName');
  const name = [...names].find(({ dataset }) => dataset.mltrackRun === runId);
  const form = name?.closest('details') ?? null;
  if (form !== null) {
    form.open = true;
  }
  return form !== null;
}
