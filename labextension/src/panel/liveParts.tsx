/** What an opened live run shows above its charts: what can be done to it, alerts, its last words. */
import * as React from 'react';
import { formatClock } from '../format';
import { isRunning } from '../store/liveStore';
import { displayName, visible } from '../text';
import type { LiveRun, RunAlert } from '../types';
import { useTools } from './context';
import { alertIcon } from './icons';
import { canStop, StopRun } from './stopRun';
import { UploadLine } from './uploadsLine';

const LONGEST_LINE = 1000;

export function LiveParts(props: { run: LiveRun }): JSX.Element {
  const { trans, actions } = useTools();
  const { run } = props;
  const { summary } = run;
  const { openPage, openNotebook } = actions();
  const args = { workspace: summary.workspace_id, runIds: [summary.run_id] };
  return (
    <div className="mltrack-LiveParts">
      <div className="mltrack-Buttons">
        <button
          type="button"
          className="mltrack-Button mltrack-mod-small"
          onClick={() => openPage('run', args)}
        >
          {trans.__('Open page')}
        </button>
        {openNotebook !== null && run.notebook_path !== '' && (
          <button
            type="button"
            className="mltrack-Button mltrack-mod-small"
            onClick={() => openNotebook(run.notebook_path, run.cell_id)}
          >
            {trans.__('Show cell')}
          </button>
        )}
        {isRunning(summary.status) && canStop(run) && <StopRun run={run} small />}
      </div>
      {run.uploads !== null && run.uploads !== undefined && <UploadLine uploads={run.uploads} />}
      {run.alerts.length > 0 && <Alerts alerts={run.alerts} />}
      {run.output.length > 0 && (
        <details className="mltrack-Fold mltrack-Output">
          <summary>{trans.__('Output')}</summary>
          <pre
            className="mltrack-Lines"
            role="group"
            aria-label={trans.__('Last lines of the output')}
            tabIndex={0}
          >
            {run.output.map(line => visible(line.slice(0, LONGEST_LINE))).join('\n')}
          </pre>
        </details>
      )}
    </div>
  );
}

function Alerts(props: { alerts: readonly RunAlert[] }): JSX.Element {
  const { store, language } = useTools();
  return (
    <ul className="mltrack-Alerts">
      {props.alerts.map(alert => (
        <li key={`${alert.rule} ${alert.at_ms}`}>
          <alertIcon.react tag="span" className="mltrack-Status-icon" aria-hidden="true" />
          <bdi title={displayName(alert.rule)}>{displayName(alert.message)}</bdi>
          <span className="mltrack-Row-time">
            {formatClock(alert.at_ms, store.clock.now(), language)}
          </span>
        </li>
      ))}
    </ul>
  );
}
