/** The first lines of a version's page: name, aliases, where it comes from, what can be done. */
import * as React from 'react';
import { formatAgo, formatNumber } from '../../format';
import { Chip } from '../../models/bits';
import { DeployForm } from '../../models/deployForm';
import { modelIcon } from '../../models/icons';
import { formatBytes } from '../../format';
import { Name } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { displayName, readableKey } from '../../text';
import type { ModelVersionDetail, ModelVersionInfo } from '../../types';
import type { VersionParts } from './page';

const METRICS = 4;

export function VersionHead(props: {
  parts: VersionParts;
  detail: ModelVersionDetail;
}): JSX.Element {
  const { parts, detail } = props;
  const { version } = detail;
  return (
    <header className="mltrack-PageHead">
      <div className="mltrack-PageHead-row">
        <modelIcon.react tag="span" className="mltrack-Status-icon" aria-hidden="true" />
        <h2 className="mltrack-PageHead-title" data-name={displayName(version.name)}>
          <Name text={version.name} />
          <span className="mltrack-Version-number">v{displayName(version.version)}</span>
        </h2>
        <span className="mltrack-Chips">
          {version.aliases.map(alias => (
            <Chip key={alias} kind="alias" text={`@${alias}`} />
          ))}
          {version.stage !== null && <Chip kind="stage" text={version.stage} />}
          {version.status !== 'READY' && (
            <Chip text={version.status.toLowerCase().replace(/_/g, ' ')} />
          )}
        </span>
      </div>
      <Facts parts={parts} detail={detail} />
      <Acts parts={parts} version={version} />
    </header>
  );
}

function Facts(props: { parts: VersionParts; detail: ModelVersionDetail }): JSX.Element {
  const { store, trans, language, actions } = useTools();
  const { parts, detail } = props;
  const { run_id, run_name, created_ms, metrics } = detail.version;
  const { workspace } = parts;
  return (
    <ul className="mltrack-PageHead-facts">
      {run_id !== null && (
        <li>
          {trans.__('from')}{' '}
          <button
            type="button"
            className="mltrack-Link mltrack-RunLink"
            title={trans.__('Open the run')}
            onClick={() => actions().openPage('run', { workspace, runIds: [run_id] })}
          >
            <Name text={run_name ?? run_id} />
          </button>
        </li>
      )}
      <li title={new Date(created_ms).toLocaleString(language)}>
        {formatAgo(created_ms, store.clock.now(), language)}
      </li>
      {detail.size_bytes !== null && <li>{formatBytes(detail.size_bytes)}</li>}
      {detail.flavors.length > 0 && <li>{displayName(detail.flavors.join(', '))}</li>}
      {metrics.slice(0, METRICS).map(metric => (
        <li key={metric.key} title={displayName(metric.text)}>
          {displayName(readableKey(metric.key))} {formatNumber(metric.value, metric.text)}
        </li>
      ))}
    </ul>
  );
}

function Acts(props: { parts: VersionParts; version: ModelVersionInfo }): JSX.Element {
  const { trans, actions } = useTools();
  const { parts, version } = props;
  const { workspace } = parts;
  const [deploying, setDeploying] = React.useState(false);
  const button = React.useRef<HTMLButtonElement>(null);
  const address = `models:/${version.name}/${version.version}`;
  const args = { workspace, model: version.name, version: version.version };
  return (
    <>
      <div className="mltrack-Buttons mltrack-mod-start">
        <button
          type="button"
          className="mltrack-Button"
          ref={button}
          aria-expanded={deploying}
          onClick={() => setDeploying(!deploying)}
        >
          {trans.__('Deploy')}
        </button>
        <button
          type="button"
          className="mltrack-Button"
          onClick={() =>
            actions().copy(
              `import mlflow\n\nmodel = mlflow.pyfunc.load_model(${JSON.stringify(address)})`
            )
          }
        >
          {trans.__('Copy code')}
        </button>
        <button
          type="button"
          className="mltrack-Button"
          onClick={() => actions().copy(actions().linkOf('version', args))}
        >
          {trans.__('Copy link')}
        </button>
      </div>
      {deploying && (
        <div className="mltrack-VersionPage-deploy">
          <DeployForm
            version={version}
            workspace={workspace}
            onClose={() => {
              setDeploying(false);
              button.current?.focus();
            }}
          />
        </div>
      )}
    </>
  );
}
