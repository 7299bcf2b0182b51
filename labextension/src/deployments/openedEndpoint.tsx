/** An opened endpoint: try it, use it, its versions, its log, its curves; stop, start, delete. */
import * as React from 'react';
import { Confirm, useAsked } from '../models/bits';
import { useModelTools } from '../models/context';
import { Address, Snippets } from '../models/jobView';
import { ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import { Sure } from '../panel/sure';
import { TabList } from '../panel/tabList';
import type { EndpointStore } from '../store/endpointStore';
import { displayName } from '../text';
import type { EndpointInfo } from '../types';
import { Drift } from './drift';
import { Logs } from './logs';
import { Monitor } from './monitor';
import { TryIt } from './tryIt';
import { Versions } from './versions';

type TabId = 'try' | 'versions' | 'logs' | 'monitor' | 'drift';

export function OpenedEndpoint(props: { endpoint: EndpointInfo }): JSX.Element {
  const { endpoints } = useModelTools();
  const { endpoint } = props;
  const store = endpoints.endpoint(endpoint);
  const { now } = store;
  useModel(now);
  React.useEffect(() => void now?.load(), [now]);
  return (
    <>
      {now !== null && now.problem !== null && <ProblemView problem={now.problem} />}
      <EndpointView endpoint={now?.value ?? endpoint} store={store} />
    </>
  );
}

/** What is known of an endpoint and what can be done with it. */
export function EndpointView(props: { endpoint: EndpointInfo; store: EndpointStore }): JSX.Element {
  const { trans } = useTools();
  const { endpoint, store } = props;
  useModel(store);
  const [tab, setTab] = React.useState<TabId>('try');
  const local = endpoint.target === 'local';
  const all = [
    { id: 'try', title: trans.__('Try it') },
    { id: 'versions', title: trans.__('Versions') },
    { id: 'logs', title: trans.__('Logs') },
    { id: 'monitor', title: trans.__('Monitor') },
    { id: 'drift', title: trans.__('Drift') }
  ] as const;
  const offered = tabsOf(endpoint);
  const tabs = all.filter(one => offered.includes(one.id));
  return (
    <div
      className="mltrack-Endpoint"
      role="group"
      aria-label={trans.__('Endpoint %1', displayName(endpoint.name))}
    >
      <Address endpoint={endpoint} />
      <Cloud endpoint={endpoint} />
      {endpoint.address !== '' && (
        <div className="mltrack-Buttons mltrack-mod-start">
          <Snippets endpoint={endpoint} />
          <KeyButton endpoint={endpoint} store={store} />
        </div>
      )}
      {store.problem !== null && <ProblemView problem={store.problem} />}
      {tabs.length > 0 && (
        <>
          <TabList
            label={trans.__('Endpoint %1', displayName(endpoint.name))}
            tabs={tabs}
            selected={tab}
            onSelect={setTab}
          />
          <div
            role="tabpanel"
            className="mltrack-TabPanel"
            aria-label={tabs.find(one => one.id === tab)?.title}
          >
            <TabContent tab={tab} endpoint={endpoint} store={store} />
          </div>
        </>
      )}
      <Acts endpoint={endpoint} store={store} local={local} />
    </div>
  );
}

/** An endpoint in Azure has lines to copy once its key lies in a file; nobody fetches it unasked. */
function KeyButton(props: { endpoint: EndpointInfo; store: EndpointStore }): JSX.Element | null {
  const { trans } = useTools();
  const { endpoint, store } = props;
  if (store.now === null || (endpoint.token_file ?? '') !== '') {
    return null;
  }
  return (
    <button
      type="button"
      className="mltrack-Button mltrack-mod-small"
      disabled={store.acting}
      title={trans.__('Its key is written into a private file on the server; no page shows it.')}
      onClick={() => void store.writeKeys()}
    >
      {store.acting ? trans.__('Asking Azure …') : trans.__('Fetch the key for curl and Python')}
    </button>
  );
}

/** What can be looked at: all of it here, less in a cloud, nothing of other targets. */
function tabsOf(endpoint: EndpointInfo): readonly TabId[] {
  if (endpoint.target === 'local') {
    return ['try', 'versions', 'logs', 'monitor', 'drift'];
  }
  if ((endpoint.resource ?? '') === '') {
    return [];
  }
  return endpoint.target.startsWith('azureml') ? ['try', 'versions', 'logs'] : ['try'];
}

/** Where it lives in a cloud, and that it costs money there. */
function Cloud(props: { endpoint: EndpointInfo }): JSX.Element | null {
  const { trans } = useTools();
  const { link = '', costs = '', workspace_name: workspace } = props.endpoint;
  if ((props.endpoint.resource ?? '') === '') {
    return null;
  }
  return (
    <p className="mltrack-Azure-why">
      {displayName(workspace)}
      {costs !== '' && ` · ${trans.__('Costs money now: %1.', displayName(costs))} `}
      {link !== '' && (
        <a className="mltrack-Link" href={link} target="_blank" rel="noopener noreferrer">
          {trans.__('Open in Azure ML studio')}
        </a>
      )}
    </p>
  );
}

function TabContent(props: {
  tab: TabId;
  endpoint: EndpointInfo;
  store: EndpointStore;
}): JSX.Element {
  const { tab, endpoint, store } = props;
  switch (tab) {
    case 'try':
      return <TryIt endpoint={endpoint} store={store} />;
    case 'versions':
      return <Versions endpoint={endpoint} store={store} />;
    case 'logs':
      return <Logs endpoint={endpoint} store={store} />;
    case 'monitor':
      return <Monitor store={store} />;
    case 'drift':
      return <Drift endpoint={endpoint} store={store} />;
  }
}

/** Who asks the endpoint would be left without an answer: it asks first. */
function StopQuestion(props: {
  name: string;
  store: EndpointStore;
  onEnd: () => void;
}): JSX.Element {
  const { trans } = useTools();
  const { name, store, onEnd } = props;
  return (
    <Sure
      title={trans.__('Stop %1?', name)}
      question={trans.__(
        'Stop %1? It answers nobody until it is started again; its address and token are kept.',
        name
      )}
      yes={trans.__('Stop')}
      no={trans.__('Let it run')}
      busy={store.acting}
      onYes={() => void store.stop().then(onEnd)}
      onNo={onEnd}
    />
  );
}

function Acts(props: {
  endpoint: EndpointInfo;
  store: EndpointStore;
  local: boolean;
}): JSX.Element {
  const { trans } = useTools();
  const { endpoint, store, local } = props;
  const { asked, button, ask, takeBack } = useAsked();
  const stopping = useAsked();
  const stopped = endpoint.state === 'stopped';
  const name = displayName(endpoint.name);
  if (stopping.asked) {
    return <StopQuestion name={name} store={store} onEnd={stopping.takeBack} />;
  }
  if (asked) {
    return (
      <Confirm
        name={endpoint.name}
        question={trans.__('Endpoint %1 stops answering; its address, token and logs go.', name)}
        busy={store.acting}
        onConfirm={() => {
          void store.remove(null, endpoint.name).then(takeBack);
        }}
        onCancel={takeBack}
      />
    );
  }
  return (
    <div className="mltrack-Buttons mltrack-mod-start">
      {local && (
        <button
          type="button"
          className="mltrack-Button mltrack-mod-small"
          disabled={store.acting}
          ref={stopping.button}
          onClick={stopped ? () => void store.start() : stopping.ask}
        >
          {stopped ? trans.__('Start') : trans.__('Stop …')}
        </button>
      )}
      <button
        type="button"
        className="mltrack-Button mltrack-mod-small"
        disabled={store.acting}
        ref={button}
        onClick={ask}
      >
        {trans.__('Delete …')}
      </button>
    </div>
  );
}
