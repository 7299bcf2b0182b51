/** Short programs for the active cell. They are what the README shows, word by word. */
import type { TranslationBundle } from '@jupyterlab/translation';

export interface Snippet {
  readonly id: string;
  readonly title: string;
  readonly source: string;
}

const LOG_METRICS = `from jupyter_mltrack import log

log({"loss": 0.5, "accuracy": 0.9}, step=0)`;

const LOG_MODEL = `import mlflow

mlflow.sklearn.log_model(model, name="model", input_example=x_train[:5])`;

const DEPLOY = `%mltrack register last my-model
%mltrack deploy my-model`;

const PREDICT = '%mltrack predict my-model-local --data x_test';

const COMPARE = '%mltrack compare last last~1';

export function snippets(trans: TranslationBundle): readonly Snippet[] {
  return [
    { id: 'log-metrics', title: trans.__('Log metrics'), source: LOG_METRICS },
    { id: 'log-model', title: trans.__('Log a model'), source: LOG_MODEL },
    { id: 'deploy', title: trans.__('Register and deploy'), source: DEPLOY },
    { id: 'predict', title: trans.__('Predict'), source: PREDICT },
    { id: 'compare', title: trans.__('Compare runs'), source: COMPARE }
  ];
}
