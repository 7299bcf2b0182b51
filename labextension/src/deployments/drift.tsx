/** How what an endpoint was asked differs from what its model was trained on, column by column. */
import * as React from 'react';
import { formatCount, formatNumber } from '../format';
import { Waiting } from '../models/bits';
import { useModelTools } from '../models/context';
import { unhealthyIcon } from '../models/icons';
import { Name, ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import type { EndpointStore } from '../store/endpointStore';
import { displayName } from '../text';
import type { DriftFeature, DriftReport, EndpointInfo } from '../types';

const SHOWN = 200;

export function Drift(props: { endpoint: EndpointInfo; store: EndpointStore }): JSX.Element {
  const { trans } = useTools();
  const { endpoint, store } = props;
  const drift = store.drift(endpoint.workspace_id);
  useModel(drift);
  const report = drift.value;
  return (
    <div className="mltrack-Drift">
      <div className="mltrack-Controls" role="toolbar" aria-label={trans.__('Drift')}>
        <button
          type="button"
          className="mltrack-Button mltrack-mod-small"
          disabled={drift.loading}
          onClick={() => void drift.load()}
        >
          {report === null ? trans.__('Compare with training data') : trans.__('Compare again')}
        </button>
      </div>
      {drift.problem !== null && <ProblemView problem={drift.problem} />}
      {drift.loading && <Waiting trans={trans} />}
      {report === null ? (
        !drift.loading &&
        drift.problem === null && (
          <p className="mltrack-Field-help">
            {trans.__('Each column that was asked is tested; the report is kept as a run.')}
          </p>
        )
      ) : (
        <Report report={report} />
      )}
    </div>
  );
}

function Report(props: { report: DriftReport }): JSX.Element {
  const { trans } = useTools();
  const { openRun } = useModelTools();
  const { report } = props;
  const { run_id } = report;
  const columns = [...report.features, ...report.predictions];
  return (
    <>
      <p className="mltrack-Drift-verdict" data-verdict={report.verdict}>
        {report.verdict === 'drift' && (
          <unhealthyIcon.react tag="span" className="mltrack-Status-icon" aria-hidden="true" />
        )}
        <span>{verdictWords(report, trans)}</span>
      </p>
      {report.schema_changes.map(one => (
        <p key={`${one.change} ${one.column}`} className="mltrack-Field-help">
          {displayName(`${one.column}: ${one.detail === '' ? one.change : one.detail}`)}
        </p>
      ))}
      {columns.length > 0 && <Columns columns={columns.slice(0, SHOWN)} />}
      {columns.length > SHOWN && (
        <p className="mltrack-Field-help">
          {trans.__('%1 more in the report', formatCount(columns.length - SHOWN))}
        </p>
      )}
      {report.detail !== '' && <p className="mltrack-Field-help">{displayName(report.detail)}</p>}
      {run_id !== null && (
        <button type="button" className="mltrack-Link" onClick={() => openRun(run_id)}>
          {trans.__('Open the run with the report')}
        </button>
      )}
    </>
  );
}

function verdictWords(report: DriftReport, trans: ReturnType<typeof useTools>['trans']): string {
  const rows = trans.__(
    '%1 rows beside %2',
    formatCount(report.rows_data),
    formatCount(report.rows_reference)
  );
  switch (report.verdict) {
    case 'drift':
      return `${trans.__(
        'Drift in %1 of %2 columns',
        formatCount(report.drifted),
        formatCount(report.features.length + report.predictions.length)
      )} · ${rows}`;
    case 'no_drift':
      return `${trans.__('No drift')} · ${rows}`;
    case 'too_little_data':
      return `${trans.__('Too little data to tell')} · ${rows}`;
  }
}

function Columns(props: { columns: readonly DriftFeature[] }): JSX.Element {
  const { trans } = useTools();
  return (
    <table className="mltrack-Table">
      <thead>
        <tr>
          <th scope="col">{trans.__('column')}</th>
          <th scope="col" className="mltrack-mod-number">
            {trans.__('effect')}
          </th>
          <th scope="col" className="mltrack-mod-number">
            p
          </th>
          <th scope="col">{trans.__('verdict')}</th>
        </tr>
      </thead>
      <tbody>
        {props.columns.map(one => (
          <tr key={one.name} title={displayName(`${one.test} · ${one.detail}`)}>
            <td>
              <Name text={one.name} />
            </td>
            <td className="mltrack-mod-number">{shown(one.effect)}</td>
            <td className="mltrack-mod-number">{shown(one.p_adjusted ?? one.p_value)}</td>
            <td>{verdictWord(one, trans)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function shown(value: number | null): string {
  return value === null ? '–' : formatNumber(value);
}

function verdictWord(one: DriftFeature, trans: ReturnType<typeof useTools>['trans']): string {
  switch (one.verdict) {
    case 'drift':
      return `▲ ${trans.__('drift')}`;
    case 'ok':
      return trans.__('ok');
    case 'not_tested':
      return trans.__('not tested');
  }
}
