/** What an endpoint answered, and the last calls that were tried here. */
import * as React from 'react';
import { formatCount } from '../format';
import { Fold, Lines } from '../models/bits';
import { formatMs, versionWord } from '../models/words';
import { Name, ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { failedIcon, finishedIcon } from '../panel/icons';
import type { Call, EndpointStore } from '../store/endpointStore';
import { displayName } from '../text';
import type { Prediction } from '../types';

const MOST_ROWS = 50;

export function Answer(props: { call: Call | null }): JSX.Element | null {
  const { trans } = useTools();
  const { call } = props;
  const root = React.useRef<HTMLDivElement>(null);
  const number = call?.number;
  React.useEffect(() => {
    root.current?.scrollIntoView({ block: 'nearest' });
  }, [number]);
  if (call === null) {
    return null;
  }
  const { prediction, problem } = call;
  return (
    <div className="mltrack-Answer" role="status" data-call={call.number} ref={root}>
      {problem !== null && <ProblemView problem={problem} />}
      {prediction !== null && (
        <>
          <p className="mltrack-Answer-line">
            {[
              formatMs(prediction.latency_ms),
              prediction.version === '' ? '' : displayName(versionWord(prediction.version)),
              problem === null ? '' : `HTTP ${prediction.status}`
            ]
              .filter(one => one !== '')
              .join(' · ')}
          </p>
          {prediction.columns.length > 0 ? (
            <AnswerTable prediction={prediction} />
          ) : (
            problem === null &&
            prediction.body !== '' && (
              <Lines lines={prediction.body.split('\n')} label={trans.__('Answer')} />
            )
          )}
        </>
      )}
    </div>
  );
}

function AnswerTable(props: { prediction: Prediction }): JSX.Element {
  const { trans } = useTools();
  const { columns, rows, row_count } = props.prediction;
  const hidden = Math.max(row_count, rows.length) - Math.min(rows.length, MOST_ROWS);
  return (
    <div className="mltrack-Scroll">
      <table className="mltrack-Table mltrack-Predictions">
        <thead>
          <tr>
            {columns.map((column, index) => (
              <th key={index} scope="col">
                <Name text={column} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MOST_ROWS).map((row, index) => (
            <tr key={index}>
              {row.map((cell, at) => (
                <td key={at}>
                  <bdi title={displayName(cell)}>{displayName(cell)}</bdi>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {hidden > 0 && (
        <p className="mltrack-Empty-line">
          {trans.__('%1 more rows are not shown.', formatCount(hidden))}
        </p>
      )}
    </div>
  );
}

export function Calls(props: { store: EndpointStore }): JSX.Element | null {
  const { trans, language } = useTools();
  const { calls } = props.store;
  if (calls.length === 0) {
    return null;
  }
  return (
    <Fold title={trans.__('Last calls (%1)', String(calls.length))}>
      <table className="mltrack-Table mltrack-Calls">
        <tbody>
          {calls.map(call => (
            <CallRow key={call.number} call={call} language={language} />
          ))}
        </tbody>
      </table>
    </Fold>
  );
}

function CallRow(props: { call: Call; language: string }): JSX.Element {
  const { trans } = useTools();
  const { call, language } = props;
  const { prediction, problem } = call;
  const Icon = problem === null ? finishedIcon : failedIcon;
  const word = problem === null ? trans.__('answered') : trans.__('refused');
  const said = problem?.message ?? prediction?.rows[0]?.join(', ') ?? '';
  return (
    <tr title={displayName(call.body)}>
      <td>
        <span
          className="mltrack-Status"
          data-status={problem === null ? 'FINISHED' : 'FAILED'}
          title={word}
        >
          <Icon.react tag="span" className="mltrack-Status-icon" aria-hidden="true" />
          <span className="mltrack-visually-hidden">{word}</span>
        </span>
      </td>
      <td>{new Date(call.atMs).toLocaleTimeString(language)}</td>
      <td>{prediction === null ? '' : displayName(versionWord(prediction.version))}</td>
      <td className="mltrack-mod-number">
        {prediction === null ? '' : formatMs(prediction.latency_ms)}
      </td>
      <td>
        <Name text={said} />
      </td>
    </tr>
  );
}
