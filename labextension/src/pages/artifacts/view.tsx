/** The artifacts of one run: a tree beside a preview of what is chosen in it. */
import { refreshIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { ProblemView, Skeleton } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { useModel } from '../../panel/hooks';
import type { RunId, WorkspaceId } from '../../types';
import { Preview } from './preview';
import { ArtifactsStore } from './store';
import { ArtifactTree } from './tree';

const SKELETON_ROWS = 4;
const ROW_HEIGHT = 24;

export interface ArtifactsViewProps {
  readonly workspace: WorkspaceId;
  readonly runId: RunId;
  /** Shown from the start. */
  readonly path?: string;
}

export function ArtifactsView(props: ArtifactsViewProps): JSX.Element {
  const { workspace, runId, path } = props;
  const store = useStore(workspace, runId, path);
  useModel(store);
  return <div className="mltrack-Artifacts">{store !== null && <Artifacts store={store} />}</div>;
}

/** The store of a run, for as long as the run is shown. */
function useStore(
  workspace: WorkspaceId,
  runId: RunId,
  path: string | undefined
): ArtifactsStore | null {
  const { runClient } = useTools();
  const [store, setStore] = React.useState<ArtifactsStore | null>(null);
  React.useEffect(() => {
    const made = new ArtifactsStore(runClient, { workspace, runId });
    made.load();
    setStore(made);
    return () => made.dispose();
  }, [runClient, workspace, runId]);
  React.useEffect(() => {
    if (store !== null && path !== undefined) {
      store.reveal(path);
    }
  }, [store, path]);
  return store;
}

function Artifacts(props: { store: ArtifactsStore }): JSX.Element {
  const { trans } = useTools();
  const { store } = props;
  const { root } = store;
  if (root === null || root.value === null) {
    return root?.problem ? (
      <div className="mltrack-Artifacts-whole">
        <ProblemView problem={root.problem} />
        <button type="button" className="mltrack-Button" onClick={() => store.load()}>
          {trans.__('Try again')}
        </button>
      </div>
    ) : (
      <Skeleton rows={SKELETON_ROWS} rowHeight={ROW_HEIGHT} />
    );
  }
  return (
    <>
      <div className="mltrack-Artifacts-side">
        <div className="mltrack-Artifacts-bar">
          <span className="mltrack-Artifacts-title">{trans.__('Artifacts')}</span>
          <button
            type="button"
            className="mltrack-IconButton"
            title={trans.__('Look again')}
            aria-label={trans.__('Look again')}
            onClick={() => store.load()}
          >
            <refreshIcon.react tag="span" />
          </button>
        </div>
        {root.value.artifacts.length === 0 ? (
          <p className="mltrack-Artifacts-empty">
            {trans.__('The run has no artifacts yet. %1 keeps one.', 'mlflow.log_artifact(…)')}
          </p>
        ) : (
          <ArtifactTree store={store} />
        )}
      </div>
      <Preview store={store} />
    </>
  );
}
