/** Python that fetches what a run keeps. Names come from anybody: they are always literals. Pure. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { RunDetail } from '../../types';

export interface Snippet {
  readonly title: string;
  readonly code: string;
}

/** A text as a literal of Python: nothing in it ends the literal or hides from a reader. */
export function pythonText(text: string): string {
  const inner = text.replace(/[\\"]/g, found => `\\${found}`);
  const shown = inner.replace(/[^\x20-\x7e]/gu, found => {
    const point = found.codePointAt(0) ?? 0;
    const isLetter = /^[\p{L}\p{M}\p{N}]$/u.test(found);
    return isLetter ? found : `\\U${point.toString(16).padStart(8, '0')}`;
  });
  return `"${shown}"`;
}

export function snippetsOf(detail: RunDetail, trans: TranslationBundle): Snippet[] {
  const id = pythonText(detail.summary.run_id);
  const snippets = [
    {
      title: trans.__('The run: its parameters and newest metrics'),
      code: `import mlflow\n\nrun = mlflow.get_run(${id})\nrun.data.params, run.data.metrics`
    },
    {
      title: trans.__('Its files'),
      code: `import mlflow\n\npath = mlflow.artifacts.download_artifacts(run_id=${id})`
    }
  ];
  const models = detail.models.slice(0, 5).map(name => ({
    title: trans.__('Its model %1', name),
    code: `import mlflow\n\nmodel = mlflow.pyfunc.load_model(${pythonText(
      `runs:/${detail.summary.run_id}/${name}`
    )})\nmodel.predict(data)`
  }));
  return [...models, ...snippets];
}
