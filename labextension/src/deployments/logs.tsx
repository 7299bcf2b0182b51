/** The last lines that an endpoint's replicas wrote. */
import { HTMLSelect } from '@jupyterlab/ui-components';
import * as React from 'react';
import { Lines, Waiting } from '../models/bits';
import { versionWord } from '../models/words';
import { ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import type { EndpointStore } from '../store/endpointStore';
import { displayName } from '../text';
import type { EndpointInfo } from '../types';

const FOLLOW_MS = 2000;
const ALL = '';

export function Logs(props: { endpoint: EndpointInfo; store: EndpointStore }): JSX.Element {
  const { trans } = useTools();
  const { endpoint, store } = props;
  const { logs } = store;
  const [follow, setFollow] = React.useState(false);
  const root = React.useRef<HTMLDivElement>(null);
  useModel(logs);
  useFollowing(store, follow, root);
  const count = logs.value?.lines.length ?? 0;
  return (
    <div ref={root}>
      <div className="mltrack-Controls" role="toolbar" aria-label={trans.__('Log')}>
        <VersionSelect endpoint={endpoint} store={store} />
        <label className="mltrack-Control">
          <input
            type="checkbox"
            checked={follow}
            onChange={event => setFollow(event.currentTarget.checked)}
          />
          <span>{trans.__('follow')}</span>
        </label>
        <button
          type="button"
          className="mltrack-Button mltrack-mod-small"
          onClick={() => void logs.load()}
        >
          {trans.__('Refresh')}
        </button>
      </div>
      {logs.problem !== null && <ProblemView problem={logs.problem} />}
      {logs.value === null ? (
        logs.problem === null && <Waiting trans={trans} />
      ) : count === 0 ? (
        <p className="mltrack-Empty-line">{trans.__('Nothing was written yet.')}</p>
      ) : (
        <Lines lines={logs.value.lines} label={trans.__('Log')} atEnd />
      )}
    </div>
  );
}

/** Load the log now, and again and again while it is followed and in sight. */
function useFollowing(
  store: EndpointStore,
  follow: boolean,
  root: React.RefObject<HTMLDivElement>
): void {
  const { logs } = store;
  React.useEffect(() => {
    void logs.load();
  }, [logs]);
  React.useEffect(() => {
    if (!follow) {
      return undefined;
    }
    const timer = setInterval(() => {
      if (!document.hidden && !logs.loading && root.current?.offsetParent) {
        void logs.load();
      }
    }, FOLLOW_MS);
    return () => clearInterval(timer);
  }, [follow, logs, root]);
}

function VersionSelect(props: { endpoint: EndpointInfo; store: EndpointStore }): JSX.Element {
  const { trans } = useTools();
  const { endpoint, store } = props;
  return (
    <HTMLSelect
      className="mltrack-Select"
      value={store.logLabel ?? ALL}
      aria-label={trans.__('Version')}
      onChange={event => store.chooseLog(event.currentTarget.value || null)}
    >
      <option value={ALL}>{trans.__('all versions')}</option>
      {endpoint.deployments.map(one => (
        <option key={one.label} value={one.label}>
          {displayName(versionWord(one.label))}
        </option>
      ))}
    </HTMLSelect>
  );
}
