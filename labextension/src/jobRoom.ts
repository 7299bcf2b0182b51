/** All that views of jobs share, made when they are first shown. */
import type { Client } from './client';
import { JobClient } from './jobClient';
import type { JobTools } from './jobs/context';
import { JobsStore } from './store/jobsStore';
import { SubmitStore } from './store/submitStore';
import type { IMltrackPanel } from './token';

export { parametersOf } from './jobs/parameters';
export { JobToolsProvider } from './jobs/context';
export { JobsSection } from './jobs/jobsSection';

export function makeJobTools(base: Client, panel: IMltrackPanel): JobTools {
  const client = new JobClient(base);
  return {
    jobs: new JobsStore(client),
    newSubmit: (workspace, notebook) => new SubmitStore(client, workspace, notebook),
    openRun: runId => {
      panel.openSection('runs');
      void panel.load().then(({ store }) => store.openRun(runId));
    }
  };
}
