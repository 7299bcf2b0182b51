/** One online endpoint of the workspace, whoever made it. */
import * as React from 'react';
import { EndpointView } from '../deployments/openedEndpoint';
import { Waiting } from '../models/bits';
import { useModelTools } from '../models/context';
import { Name, ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import type { EndpointStore } from '../store/endpointStore';
import { displayName } from '../text';
import type { AzureEndpointInfo, WorkspaceId } from '../types';
import type { AzureStore } from './azureStore';
import { CloudMark, Costs } from './marks';
import { authWord, stateWord, trafficWords } from './words';

export function EndpointRow(props: {
  endpoint: AzureEndpointInfo;
  store: AzureStore;
  open: boolean;
  tabIndex: number;
  onToggle: () => void;
}): JSX.Element {
  const { trans } = useTools();
  const { endpoint, store, open } = props;
  const { costs = '' } = endpoint;
  const traffic = trafficWords(endpoint);
  return (
    <>
      <button
        type="button"
        className="mltrack-Row mltrack-EndpointRow mltrack-AzureRow"
        aria-expanded={open}
        data-azure-endpoint={endpoint.name}
        tabIndex={props.tabIndex}
        onClick={props.onToggle}
      >
        <span className="mltrack-Row-line">
          <CloudMark state={endpoint.state} />
          <Name text={endpoint.name} className="mltrack-Row-name" />
          <span className="mltrack-Served">{stateWord(endpoint.state, trans)}</span>
        </span>
        <span className="mltrack-Row-line mltrack-mod-second">
          <span className="mltrack-Row-words">
            {displayName([endpoint.kind, traffic].filter(one => one !== '').join(' · '))}
          </span>
          <Costs words={costs} />
        </span>
      </button>
      {open && store.workspace !== null && (
        <Opened endpoint={endpoint} store={store} workspace={store.workspace} />
      )}
    </>
  );
}

/** The endpoint as Azure describes it now: asked, tried, shared out and deleted as any other. */
function Opened(props: {
  endpoint: AzureEndpointInfo;
  store: AzureStore;
  workspace: WorkspaceId;
}): JSX.Element {
  const { trans } = useTools();
  const { endpoints } = useModelTools();
  const { endpoint, store, workspace } = props;
  const opened = endpoints.cloudEndpoint(endpoint.name, workspace, () => void store.refresh());
  const { now } = opened;
  useModel(now);
  // What the overview tells may have changed what is behind the endpoint.
  React.useEffect(() => void now?.load(), [now, endpoint]);
  return (
    <>
      {now !== null && now.problem !== null && <ProblemView problem={now.problem} />}
      <Reach endpoint={endpoint} />
      <Now store={opened} />
      {now !== null && now.value === null && now.problem === null && <Waiting trans={trans} />}
    </>
  );
}

function Now(props: { store: EndpointStore }): JSX.Element | null {
  const { store } = props;
  const value = store.now?.value ?? null;
  return value === null ? null : <EndpointView endpoint={value} store={store} />;
}

/** Who gets in: what the overview knows without another question. */
function Reach(props: { endpoint: AzureEndpointInfo }): JSX.Element | null {
  const { trans } = useTools();
  const { auth = '', public: open = null } = props.endpoint;
  const reach =
    open === null ? '' : open ? trans.__('on the open internet') : trans.__('private network only');
  const words = [authWord(auth, trans), reach].filter(one => one !== '');
  return words.length === 0 ? null : (
    <p className="mltrack-Azure-why mltrack-mod-padded">{displayName(words.join(' · '))}</p>
  );
}
