/** One version of a registered model: what it is, what can be done to it, and what lies in it. */
import * as React from 'react';
import { useModelTools } from '../../models/context';
import { Name, ProblemView, Skeleton } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { useModel } from '../../panel/hooks';
import type { ModelActs } from '../../store/modelActs';
import type { Resource } from '../../store/resource';
import { displayName } from '../../text';
import type { ModelInfo, ModelVersionDetail, WorkspaceId } from '../../types';
import type { PageProps } from '../door';
import { VersionHead } from './head';
import { VersionTabs } from './tabs';

const SKELETON_ROW_PX = 60;

/** What the page knows and does, for as long as it is open. */
export interface VersionParts {
  readonly workspace: WorkspaceId;
  readonly model: Resource<ModelInfo>;
  readonly version: Resource<ModelVersionDetail>;
  readonly acts: ModelActs;
}

export function VersionPage(props: PageProps): JSX.Element {
  const { args, setTitle } = props;
  const { trans } = useTools();
  const { workspace, model = '', version = '' } = args;
  const title = displayName(`${model} v${version}`);
  React.useEffect(() => setTitle(title), [setTitle, title]);
  const parts = useParts(workspace, model, version);
  return (
    <div
      className="mltrack-Page mltrack-VersionPage"
      role="region"
      aria-label={trans.__('Model version %1', title)}
    >
      {parts === null ? null : <VersionView parts={parts} title={title} />}
    </div>
  );
}

function useParts(workspace: WorkspaceId, name: string, version: string): VersionParts | null {
  const { newModel, newVersion, acts } = useModelTools();
  const [parts, setParts] = React.useState<VersionParts | null>(null);
  React.useEffect(() => {
    const model = newModel(workspace, name);
    const detail = newVersion({ workspace, name, version });
    const load = async (): Promise<void> => {
      await Promise.all([model.load(), detail.load()]);
    };
    const made = acts({ workspace, name, version }, load);
    setParts({ workspace, model, version: detail, acts: made });
    void load();
    return () => {
      setParts(null);
      model.dispose();
      detail.dispose();
    };
  }, [newModel, newVersion, acts, workspace, name, version]);
  return parts;
}

function VersionView(props: { parts: VersionParts; title: string }): JSX.Element {
  const { trans } = useTools();
  const { parts, title } = props;
  useModel(parts.model);
  useModel(parts.version);
  const { value: detail, problem } = parts.version;
  const gone = problem?.code === 'not_found';
  if (detail === null || gone) {
    return problem === null ? (
      <Skeleton rows={3} rowHeight={SKELETON_ROW_PX} />
    ) : (
      <div className="mltrack-PageNotice" role="alert">
        <h2 className="mltrack-PageHead-title">
          <Name text={title} />
        </h2>
        <ProblemView problem={problem} />
        <button type="button" className="mltrack-Button" onClick={() => void parts.version.load()}>
          {trans.__('Try again')}
        </button>
      </div>
    );
  }
  return (
    <>
      <VersionHead parts={parts} detail={detail} />
      {problem !== null && <ProblemView problem={problem} />}
      {detail.problem !== null && <ProblemView problem={detail.problem} />}
      <VersionTabs parts={parts} detail={detail} />
    </>
  );
}
