/** What an endpoint did over time: requests, errors, latency, what it answered. */
import { HTMLSelect } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { ChartWords } from '../chart/chart';
import { Panes } from '../chart/panes';
import { formatCount } from '../format';
import { Waiting } from '../models/bits';
import { formatMs, versionWord } from '../models/words';
import { ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import type { EndpointStore } from '../store/endpointStore';
import { displayName } from '../text';
import type { MonitorReport } from '../types';
import { panesOf } from './panes';

const AGAIN_MS = 5000;
const WINDOWS_S = [900, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600] as const;

function windowWord(windowS: number, trans: TranslationBundle): string {
  if (windowS < 3600) {
    return trans.__('%1 min', String(windowS / 60));
  }
  return windowS <= 24 * 3600
    ? trans.__('%1 h', String(windowS / 3600))
    : trans.__('%1 days', String(windowS / (24 * 3600)));
}

export function Monitor(props: { store: EndpointStore }): JSX.Element {
  const { trans } = useTools();
  const { store } = props;
  const { monitor } = store;
  const root = React.useRef<HTMLDivElement>(null);
  useModel(monitor);
  React.useEffect(() => {
    void monitor.load();
    const timer = setInterval(() => {
      if (!document.hidden && !monitor.loading && root.current?.offsetParent) {
        void monitor.load();
      }
    }, AGAIN_MS);
    return () => clearInterval(timer);
  }, [monitor]);
  const report = monitor.value;
  return (
    <div ref={root} className="mltrack-Monitor">
      <div className="mltrack-Controls" role="toolbar" aria-label={trans.__('Monitor')}>
        <label className="mltrack-Control">
          <span>{trans.__('last')}</span>
          <HTMLSelect
            className="mltrack-Select"
            value={String(store.windowS)}
            aria-label={trans.__('Time shown')}
            onChange={event => store.chooseWindow(Number(event.currentTarget.value))}
          >
            {WINDOWS_S.map(one => (
              <option key={one} value={one}>
                {windowWord(one, trans)}
              </option>
            ))}
          </HTMLSelect>
        </label>
        {report !== null && <Sums report={report} />}
      </div>
      {monitor.problem !== null && <ProblemView problem={monitor.problem} />}
      {report === null ? (
        monitor.problem === null && <Waiting trans={trans} />
      ) : report.requests === 0 ? (
        <p className="mltrack-Empty-line">{trans.__('Nothing was asked in this time.')}</p>
      ) : (
        <>
          <Charts report={report} />
          <VersionTable report={report} />
        </>
      )}
      {report !== null && report.detail !== '' && (
        <p className="mltrack-Field-help">{displayName(report.detail)}</p>
      )}
    </div>
  );
}

function Sums(props: { report: MonitorReport }): JSX.Element {
  const { trans } = useTools();
  const { requests, errors, p95_ms } = props.report;
  const words = [trans._n('%2 request', '%2 requests', requests, formatCount(requests))];
  if (errors > 0) {
    words.push(trans._n('%2 error', '%2 errors', errors, formatCount(errors)));
  }
  if (p95_ms !== null) {
    words.push(trans.__('p95 %1', formatMs(p95_ms)));
  }
  return <span>{words.join(' · ')}</span>;
}

function words(trans: TranslationBundle): ChartWords {
  return {
    resetZoom: trans.__('Reset zoom'),
    step: trans.__('step'),
    time: trans.__('time'),
    describe: (names, x, newest) =>
      trans.__('Chart of %1 over %2, newest values %3', displayName(names), x, displayName(newest))
  };
}

function Charts(props: { report: MonitorReport }): JSX.Element {
  const { trans } = useTools();
  const { report } = props;
  const host = React.useRef<HTMLDivElement>(null);
  const panes = React.useRef<Panes | null>(null);
  React.useEffect(() => {
    if (host.current === null) {
      return undefined;
    }
    const made = new Panes(host.current, words(trans));
    panes.current = made;
    return () => {
      panes.current = null;
      made.dispose();
    };
  }, [trans]);
  React.useEffect(() => {
    panes.current?.show(
      report.times_ms,
      panesOf(report, {
        requests: trans.__('requests'),
        errors: trans.__('errors'),
        load: trans.__('Requests'),
        latency: trans.__('Latency (ms)'),
        mix: name => trans.__('Answers: %1', displayName(name)),
        rest: trans.__('the rest')
      })
    );
  }, [report, trans]);
  return <div ref={host} className="mltrack-Charts" />;
}

function VersionTable(props: { report: MonitorReport }): JSX.Element | null {
  const { trans } = useTools();
  const { versions } = props.report;
  if (versions.length < 2) {
    return null;
  }
  return (
    <table className="mltrack-Table">
      <thead>
        <tr>
          <th scope="col">{trans.__('version')}</th>
          <th scope="col" className="mltrack-mod-number">
            {trans.__('requests')}
          </th>
          <th scope="col" className="mltrack-mod-number">
            {trans.__('errors')}
          </th>
          <th scope="col" className="mltrack-mod-number">
            p95
          </th>
        </tr>
      </thead>
      <tbody>
        {versions.map(one => (
          <tr key={`${one.version} ${String(one.shadow)}`}>
            <td>
              {displayName(versionWord(one.version))}
              {one.shadow ? ` ${trans.__('shadow')}` : ''}
            </td>
            <td className="mltrack-mod-number">{formatCount(one.requests)}</td>
            <td className="mltrack-mod-number">{formatCount(one.errors)}</td>
            <td className="mltrack-mod-number">{formatMs(one.p95_ms)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
