/** One version of a model: its row, and what lies in its files when it is opened. */
import * as React from 'react';
import { formatAgo } from '../format';
import { Metric, Name, ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import { displayName } from '../text';
import type { ModelVersionInfo } from '../types';
import { Chip, Waiting } from './bits';
import { useActs, useModelTools } from './context';
import { DeployForm } from './deployForm';
import { RemoveVersion, VersionEdits, VersionFiles } from './versionFiles';

export function VersionRow(props: {
  version: ModelVersionInfo;
  open: boolean;
  onToggle: () => void;
}): JSX.Element {
  const { trans } = useTools();
  const { version, open } = props;
  const [deploying, setDeploying] = React.useState(false);
  const deployButton = React.useRef<HTMLButtonElement>(null);
  const [metric] = version.metrics;
  const close = (): void => {
    setDeploying(false);
    deployButton.current?.focus();
  };
  return (
    <div className="mltrack-Version" data-version={version.version}>
      <div className="mltrack-Version-head">
        <button
          type="button"
          className="mltrack-Row mltrack-VersionRow"
          aria-expanded={open}
          aria-label={trans.__('Version %1', displayName(version.version))}
          tabIndex={-1}
          onClick={props.onToggle}
        >
          <span className="mltrack-Row-line">
            <span className="mltrack-Version-number">v{displayName(version.version)}</span>
            <span className="mltrack-Chips">
              {version.aliases.map(alias => (
                <Chip key={alias} kind="alias" text={`@${alias}`} />
              ))}
              {version.stage !== null && version.stage !== 'None' && (
                <Chip kind="stage" text={version.stage} />
              )}
              {version.status !== 'READY' && (
                <Chip text={version.status.toLowerCase().replace(/_/g, ' ')} />
              )}
            </span>
            {metric !== undefined && <Metric metric={metric} recent={null} />}
          </span>
        </button>
        <button
          type="button"
          ref={deployButton}
          className="mltrack-Button mltrack-mod-small"
          aria-expanded={deploying}
          aria-label={trans.__('Deploy version %1', displayName(version.version))}
          onClick={() => setDeploying(!deploying)}
        >
          {trans.__('Deploy')}
        </button>
      </div>
      <Origin version={version} />
      {deploying && <DeployForm version={version} onClose={close} />}
      {open && <OpenedVersion version={version} />}
    </div>
  );
}

/** `from sweep-06 · 2 min ago`; the run opens in the list of runs. */
function Origin(props: { version: ModelVersionInfo }): JSX.Element {
  const { store, trans, language } = useTools();
  const { openRun } = useModelTools();
  const { run_id, run_name, created_ms } = props.version;
  return (
    <div className="mltrack-Version-origin">
      {run_id !== null && (
        <>
          <span>{trans.__('from')}</span>
          <button
            type="button"
            className="mltrack-Link mltrack-RunLink"
            title={trans.__('Open the run')}
            onClick={() => openRun(run_id)}
          >
            <Name text={run_name ?? run_id} />
          </button>
        </>
      )}
      <span className="mltrack-Row-time">{formatAgo(created_ms, store.clock.now(), language)}</span>
    </div>
  );
}

function OpenedVersion(props: { version: ModelVersionInfo }): JSX.Element {
  const { trans, actions } = useTools();
  const { models } = useModelTools();
  const { version } = props;
  const acts = useActs(version.name, version.version);
  const whole = models.model(version.name);
  const resource = models.detail(version.name, version.version);
  useModel(whole);
  useModel(resource);
  const detail = resource.value;
  const { workspaceId: workspace } = models;
  return (
    <div className="mltrack-VersionDetail">
      {acts !== null && <VersionEdits acts={acts} version={version} model={whole.value} />}
      {resource.problem !== null && <ProblemView problem={resource.problem} />}
      {detail?.problem && <ProblemView problem={detail.problem} />}
      {detail === null ? (
        resource.problem === null && <Waiting trans={trans} />
      ) : (
        <VersionFiles detail={detail} />
      )}
      {workspace !== null && (
        <button
          type="button"
          className="mltrack-Link"
          onClick={() =>
            actions().openPage('version', {
              workspace,
              model: version.name,
              version: version.version
            })
          }
        >
          {trans.__('Open page')}
        </button>
      )}
      {acts !== null && <RemoveVersion acts={acts} />}
    </div>
  );
}
