/** The models that a run logged, the registered versions made of them, and what can be done next. */
import * as React from 'react';
import { formatAgo } from '../../format';
import { Name, ProblemView } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { useModel } from '../../panel/hooks';
import type { RunPageStore } from '../../store/runPageStore';
import type { ModelVersionInfo } from '../../types';

export function ModelsTab(props: { page: RunPageStore }): JSX.Element {
  const { page } = props;
  const { trans } = useTools();
  useModel(page.about);
  const { detail } = page.run;
  const logged = detail?.models ?? [];
  const versions = page.about.value?.versions ?? [];
  return (
    <div className="mltrack-Scroller">
      {page.about.problem !== null && <ProblemView problem={page.about.problem} />}
      {logged.length === 0 && versions.length === 0 && (
        <p className="mltrack-Empty-line">
          {trans.__('No model was logged. %1 in the cell keeps one.', 'mlflow.*.log_model')}
        </p>
      )}
      {logged.length > 0 && (
        <>
          <h3 className="mltrack-PageTitle">{trans.__('Logged')}</h3>
          <ul className="mltrack-PlainList">
            {logged.map(name => (
              <li key={name}>
                <Name text={name} />
              </li>
            ))}
          </ul>
          <Parts page={page} />
        </>
      )}
      {versions.length > 0 && (
        <>
          <h3 className="mltrack-PageTitle">{trans.__('Registered')}</h3>
          <ul className="mltrack-PlainList">
            {versions.map(one => (
              <Version key={`${one.name} ${one.version}`} page={page} version={one} />
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

function Version(props: { page: RunPageStore; version: ModelVersionInfo }): JSX.Element {
  const { page, version } = props;
  const { store, trans, actions, language } = useTools();
  const { name, version: number } = version;
  return (
    <li className="mltrack-Row-line">
      <button
        type="button"
        className="mltrack-Link"
        onClick={() =>
          actions().openPage('version', {
            workspace: page.workspace,
            model: name,
            version: number
          })
        }
      >
        <Name text={name} /> {trans.__('version %1', number)}
      </button>
      {version.aliases.map(alias => (
        <span key={alias} className="mltrack-Chip" data-kind="alias">
          <Name text={alias} />
        </span>
      ))}
      <span className="mltrack-Row-time">
        {formatAgo(version.created_ms, store.clock.now(), language)}
      </span>
    </li>
  );
}

/** What other sections have to say of the run: registering its model. */
function Parts(props: { page: RunPageStore }): JSX.Element {
  const { runParts } = useTools();
  useModel(runParts);
  const { detail } = props.page.run;
  return (
    <>
      {detail !== null &&
        runParts.parts.map(part => (
          <React.Fragment key={part.id}>{part.content(detail)}</React.Fragment>
        ))}
    </>
  );
}
