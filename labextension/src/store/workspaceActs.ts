/** Adding a workspace to the list, and taking one off it. */
import type { RunClient } from '../runClient';
import type { Problem, WorkspaceInfo } from '../types';
import type { PanelStore } from './panelStore';
import { problemOf } from './resource';

/** Add a server or a folder, and show it; the answer says why that was not possible. */
export async function addWorkspace(
  client: RunClient,
  store: PanelStore,
  spec: string,
  name: string,
  signal: AbortSignal
): Promise<Problem | null> {
  let added: WorkspaceInfo;
  try {
    added = await client.addWorkspace(spec, name, null, signal);
  } catch (error) {
    return problemOf(error);
  }
  await store.refresh();
  store.chooseWorkspace(added.id);
  return null;
}

/** Take a workspace off the list; nothing in it is deleted. */
export async function forgetWorkspace(
  client: RunClient,
  store: PanelStore,
  workspace: WorkspaceInfo,
  signal: AbortSignal
): Promise<Problem | null> {
  try {
    await client.forgetWorkspace(workspace.id, signal);
  } catch (error) {
    return problemOf(error);
  }
  const own = store.workspaces.find(one => one.current);
  if (store.workspace?.id === workspace.id && own !== undefined) {
    store.chooseWorkspace(own.id);
  }
  await store.refresh();
  return null;
}
