/** What the views of jobs need besides the panel's own tools. */
import * as React from 'react';
import type { JobsStore } from '../store/jobsStore';
import type { SubmitStore } from '../store/submitStore';
import type { RunId, WorkspaceId } from '../types';
import type { NotebookOrder } from './parameters';

export interface JobTools {
  readonly jobs: JobsStore;
  /** A new form; whoever made it disposes of it. */
  readonly newSubmit: (workspace: WorkspaceId, notebook: NotebookOrder | null) => SubmitStore;
  readonly openRun: (runId: RunId) => void;
}

const Context = React.createContext<JobTools | null>(null);

export const JobToolsProvider = Context.Provider;

export function useJobTools(): JobTools {
  const tools = React.useContext(Context);
  if (tools === null) {
    throw new Error('Jobs were rendered outside of their provider');
  }
  return tools;
}
