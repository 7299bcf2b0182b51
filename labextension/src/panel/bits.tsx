/** Small pieces that the sections share: names, status marks, metrics, states. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { sparklinePath } from '../chart/sparkline';
import { formatNumber, trendOf } from '../format';
import type { Trend } from '../format';
import { displayName, readableKey, splitName } from '../text';
import type { MetricValue, Problem, RunStatus } from '../types';
import { useTools } from './context';
import { drawn } from './drawn';
import { STATUS_ICONS } from './icons';

const SPARK_WIDTH = 56;
const SPARK_HEIGHT = 14;

/** A name that is cut in the middle when it does not fit; whole in the tooltip. */
export function Name(props: { text: string; className?: string }): JSX.Element {
  const { head, tail } = splitName(props.text);
  return (
    <bdi className={`mltrack-Name ${props.className ?? ''}`} title={displayName(props.text)}>
      <span className="mltrack-Name-head">{head}</span>
      {tail !== '' && <span className="mltrack-Name-tail">{tail}</span>}
    </bdi>
  );
}

export function statusWord(status: RunStatus, trans: TranslationBundle): string {
  switch (status) {
    case 'RUNNING':
      return trans.__('running');
    case 'SCHEDULED':
      return trans.__('scheduled');
    case 'FINISHED':
      return trans.__('finished');
    case 'FAILED':
      return trans.__('failed');
    case 'KILLED':
      return trans.__('killed');
  }
}

/** The state as icon, colour and (for tooltip and screen reader) text. */
export function StatusMark(props: { status: RunStatus }): JSX.Element {
  const { trans } = useTools();
  const { status } = props;
  const word = statusWord(status, trans);
  return (
    <span className="mltrack-Status" data-status={status} title={word} role="img" aria-label={word}>
      {drawn(STATUS_ICONS[status])}
    </span>
  );
}

const ARROWS: { readonly [trend in Trend]: string } = {
  rising: '↗',
  falling: '↘',
  flat: '→',
  unknown: ''
};

function trendWord(trend: Trend, trans: TranslationBundle): string {
  switch (trend) {
    case 'rising':
      return trans.__('rising');
    case 'falling':
      return trans.__('falling');
    case 'flat':
      return trans.__('steady');
    case 'unknown':
      return '';
  }
}

/** `loss 0.2113 ↘`; `recent` gives the trend, null leaves it out. */
export function Metric(props: {
  metric: MetricValue;
  recent: readonly (number | null)[] | null;
}): JSX.Element {
  const { trans } = useTools();
  const { metric, recent } = props;
  const trend = recent === null ? 'unknown' : trendOf(recent);
  return (
    <span className="mltrack-Metric">
      <Name text={readableKey(metric.key)} className="mltrack-Metric-key" />
      <span className="mltrack-Metric-value" title={displayName(metric.text)}>
        {formatNumber(metric.value, metric.text)}
      </span>
      {ARROWS[trend] !== '' && (
        <span className="mltrack-Metric-trend" title={trendWord(trend, trans)}>
          <span aria-hidden="true">{ARROWS[trend]}</span>
          <span className="mltrack-visually-hidden">{trendWord(trend, trans)}</span>
        </span>
      )}
    </span>
  );
}

export function Sparkline(props: { values: readonly (number | null)[] }): JSX.Element {
  return (
    <svg
      className="mltrack-Sparkline"
      width={SPARK_WIDTH}
      height={SPARK_HEIGHT}
      viewBox={`-1 -1 ${SPARK_WIDTH + 2} ${SPARK_HEIGHT + 2}`}
      aria-hidden="true"
    >
      <path d={sparklinePath(props.values, SPARK_WIDTH, SPARK_HEIGHT)} />
    </svg>
  );
}

/** Puts a tracked cell into the notebook in front; not there when there is none. */
export function InsertButton(): JSX.Element | null {
  const { trans, actions } = useTools();
  const insert = actions().insertTrackCell;
  return insert === null ? null : (
    <button type="button" className="mltrack-Button" onClick={insert}>
      {trans.__('Insert a %1 cell', '%%track')}
    </button>
  );
}

/** Grey bars of the size of what is awaited. */
export function Skeleton(props: { rows: number; rowHeight: number }): JSX.Element {
  const { trans } = useTools();
  return (
    <div className="mltrack-Skeleton" role="status" aria-label={trans.__('Loading')}>
      {Array.from({ length: props.rows }, (_, index) => (
        <div key={index} className="mltrack-Skeleton-row" style={{ height: props.rowHeight }}>
          <span className="mltrack-Skeleton-bar" />
          <span className="mltrack-Skeleton-bar mltrack-mod-short" />
        </div>
      ))}
    </div>
  );
}

/** What happened, what to do next, and the details for somebody who can help. */
export function ProblemView(props: { problem: Problem; id?: string }): JSX.Element {
  const { trans } = useTools();
  const { problem, id } = props;
  const [copied, setCopied] = React.useState(false);
  const copy = (): void => {
    const details = `${problem.code}: ${problem.message}\n${problem.hint}`;
    navigator.clipboard?.writeText(details).then(
      () => setCopied(true),
      () => setCopied(false) // The browser refuses: the text can still be selected.
    );
  };
  return (
    <div className="mltrack-Problem" role="alert" id={id}>
      <p className="mltrack-Problem-message" title={displayName(problem.message)}>
        {displayName(problem.message)}
      </p>
      {problem.hint !== '' && <p className="mltrack-Problem-hint">{displayName(problem.hint)}</p>}
      <button type="button" className="mltrack-Link" onClick={copy}>
        {copied ? trans.__('Copied') : trans.__('Copy details')}
      </button>
    </div>
  );
}
