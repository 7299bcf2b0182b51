/** The plugin of jobs that run elsewhere: a section like those that anybody can add. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';
import type { JobTools } from './jobs/context';
import type { NotebookOrder } from './jobs/parameters';
import { Lazy } from './lazy';
import type { PanelStore } from './store/panelStore';
import { IMltrackPanel } from './token';
import type { ISection } from './token';

const DOMAIN = 'jupyter_mltrack';
const JOBS_RANK = 250;
const SUBMIT = 'jupyter-mltrack:submit-job';
const RUN_NOTEBOOK = 'jupyter-mltrack:run-notebook';
/** The tag that papermill gave a meaning. */
const PARAMETERS = 'parameters';
const SHOW_PANEL = 'jupyter-mltrack:show-panel';

/** Have the jobs asked for while the panel is looked at, from its first look on. */
function watch(store: PanelStore, section: ISection, load: () => Promise<JobTools>): void {
  let tools: JobTools | null = null;
  const apply = (): void => {
    if (section.isDisposed) {
      store.stateChanged.disconnect(apply);
      return;
    }
    const seen = store.phase === 'ready' && store.panelVisible;
    if (tools !== null) {
      tools.jobs.setWatched(seen, !section.folded);
    } else if (seen) {
      load().then(
        made => {
          if (tools === null) {
            tools = made;
            made.jobs.stateChanged.connect(() => {
              section.count = made.jobs.running || null;
            });
            apply();
          }
        },
        () => undefined // The section's place says so.
      );
    }
  };
  store.stateChanged.connect(apply);
  section.foldedChanged.connect(apply);
  apply();
}

/** The notebook as its file has it, and what its tagged cell assigns. */
async function orderOf(app: JupyterFrontEnd, notebook: NotebookPanel): Promise<NotebookOrder> {
  const { context } = notebook;
  if (context.model.dirty && !context.model.readOnly) {
    await context.save();
  }
  const { parametersOf } = await import('./jobRoom');
  const tagged = [...context.model.cells].find(cell => {
    const tags: unknown = cell.getMetadata('tags');
    return cell.type === 'code' && Array.isArray(tags) && tags.includes(PARAMETERS);
  });
  return {
    file: app.serviceManager.contents.localPath(context.path),
    parameters: parametersOf(tagged?.sharedModel.getSource() ?? '')
  };
}

export const jobsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mltrack:jobs',
  description: 'Adds the section of cells and scripts that run elsewhere to the panel.',
  autoStart: true,
  requires: [IMltrackPanel],
  optional: [ITranslator, ICommandPalette, INotebookTracker],
  activate: (
    app: JupyterFrontEnd,
    panel: IMltrackPanel,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    notebooks: INotebookTracker | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const tools = new Lazy(async () => {
      const [{ makeJobTools }, { client }] = await Promise.all([import('./jobRoom'), panel.load()]);
      return makeJobTools(client, panel);
    });
    const section = panel.addSection({
      id: 'jobs',
      title: trans.__('Jobs'),
      rank: JOBS_RANK,
      content: async () => {
        const [{ JobToolsProvider, JobsSection }, value] = await Promise.all([
          import('./jobRoom'),
          tools.get()
        ]);
        return React.createElement(JobToolsProvider, { value }, React.createElement(JobsSection));
      }
    });
    panel.whenLoaded(({ store }) => watch(store, section, () => tools.get()));
    const open = async (notebook: NotebookOrder | null): Promise<void> => {
      await app.commands.execute(SHOW_PANEL);
      panel.openSection('jobs');
      (await tools.get()).jobs.setSubmitting(true, notebook);
    };
    app.commands.addCommand(SUBMIT, {
      label: trans.__('MLTrack: Submit a script or notebook …'),
      caption: trans.__('To a process of this machine or a compute of Azure ML'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => open(null)
    });
    app.commands.addCommand(RUN_NOTEBOOK, {
      label: trans.__('MLTrack: Run this notebook as a job …'),
      caption: trans.__('From its first cell to its last, in a process of this machine'),
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () => (notebooks?.currentWidget ?? null) !== null,
      execute: async () => {
        const notebook = notebooks?.currentWidget ?? null;
        if (notebook !== null) {
          await open(await orderOf(app, notebook));
        }
      }
    });
    const category = trans.__('MLTrack');
    [SUBMIT, RUN_NOTEBOOK].forEach(command => palette?.addItem({ command, category }));
  }
};
