/** What an Azure ML workspace holds and what of it costs money: computes, endpoints, datastores. */
import * as React from 'react';
import { ProblemView, Skeleton } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import { openPageIcon } from '../panel/icons';
import { moveFocus } from '../panel/roving';
import { displayName } from '../text';
import type { AzureOverview, DatastoreInfo } from '../types';
import type { AzureStore } from './azureStore';
import { ComputeRow } from './computeRow';
import { DatastoreRow } from './datastoreRow';
import { EndpointRow } from './endpointRow';

const ROW_HEIGHT = 42;
const SKELETON_ROWS = 3;

export function AzureSection(props: { store: AzureStore }): JSX.Element {
  const { store } = props;
  useModel(store);
  const { overview, problem } = store;
  return (
    <div className="mltrack-Azure">
      {problem !== null && <ProblemView problem={problem} />}
      {overview !== null ? (
        <Held store={store} overview={overview} />
      ) : (
        problem === null && <Skeleton rows={SKELETON_ROWS} rowHeight={ROW_HEIGHT} />
      )}
    </div>
  );
}

/** Which rows are unfolded; one that is wanted comes into sight. */
function useOpened(
  store: AzureStore,
  root: React.RefObject<HTMLElement>
): readonly [ReadonlySet<string>, (key: string) => void] {
  const [opened, setOpened] = React.useState<ReadonlySet<string>>(new Set());
  const { wanted } = store;
  React.useEffect(() => {
    if (wanted !== '') {
      store.wanted = '';
      setOpened(old => new Set(old).add(wanted));
      const row = `[data-azure-endpoint="${CSS.escape(wanted.slice(2))}"]`;
      requestAnimationFrame(() => {
        root.current?.querySelector(row)?.scrollIntoView({ block: 'start' });
      });
    }
  }, [store, root, wanted]);
  const toggle = (key: string): void => {
    const next = new Set(opened);
    if (!next.delete(key)) {
      next.add(key);
    }
    setOpened(next);
  };
  return [opened, toggle];
}

function Held(props: { store: AzureStore; overview: AzureOverview }): JSX.Element {
  const { trans } = useTools();
  const { store, overview } = props;
  const root = React.useRef<HTMLDivElement>(null);
  const [opened, toggle] = useOpened(store, root);
  const { computes, endpoints, datastores = [] } = overview;
  return (
    <>
      <Place overview={overview} costing={store.costing} />
      {(overview.problems ?? []).map(one => (
        <ProblemView key={one.message} problem={one} />
      ))}
      <Title words={trans.__('Computes')} count={computes.length} />
      {computes.length === 0 && (
        <Empty words={trans.__('None yet: %mltrack compute create NAME')} />
      )}
      <div role="list" aria-label={trans.__('Computes')} onKeyDown={moveFocus}>
        {computes.map((one, index) => (
          <div role="listitem" key={one.name}>
            <ComputeRow
              compute={one}
              store={store}
              open={opened.has(`c ${one.name}`)}
              tabIndex={index === 0 ? 0 : -1}
              onToggle={() => toggle(`c ${one.name}`)}
            />
          </div>
        ))}
      </div>
      <Title words={trans.__('Online endpoints')} count={endpoints.length} />
      {endpoints.length === 0 && (
        <Empty words={trans.__('None yet: [Deploy] on a model version makes one.')} />
      )}
      <div role="list" aria-label={trans.__('Online endpoints')} ref={root} onKeyDown={moveFocus}>
        {endpoints.map((one, index) => (
          <div role="listitem" key={one.name}>
            <EndpointRow
              endpoint={one}
              store={store}
              open={opened.has(`e ${one.name}`)}
              tabIndex={index === 0 ? 0 : -1}
              onToggle={() => toggle(`e ${one.name}`)}
            />
          </div>
        ))}
      </div>
      <Datastores
        datastores={datastores}
        store={store}
        opened={opened}
        onToggle={one => toggle(`d ${one}`)}
      />
    </>
  );
}

function Datastores(props: {
  datastores: readonly DatastoreInfo[];
  store: AzureStore;
  opened: ReadonlySet<string>;
  onToggle: (name: string) => void;
}): JSX.Element {
  const { trans } = useTools();
  const { datastores, store, opened, onToggle } = props;
  return (
    <>
      <Title words={trans.__('Datastores')} count={datastores.length} />
      <div role="list" aria-label={trans.__('Datastores')} onKeyDown={moveFocus}>
        {datastores.map((one, index) => (
          <div role="listitem" key={one.name}>
            <DatastoreRow
              datastore={one}
              store={store}
              open={opened.has(`d ${one.name}`)}
              tabIndex={index === 0 ? 0 : -1}
              onToggle={() => onToggle(one.name)}
            />
          </div>
        ))}
      </div>
    </>
  );
}

function Empty(props: { words: string }): JSX.Element {
  return <p className="mltrack-Empty-line mltrack-mod-padded">{props.words}</p>;
}

function Title(props: { words: string; count: number }): JSX.Element {
  return (
    <h3 className="mltrack-Azure-title">
      {props.words} <span className="mltrack-Azure-count">{props.count}</span>
    </h3>
  );
}

/** The workspace in a line, and a line that says how much of it costs money now. */
function Place(props: { overview: AzureOverview; costing: number }): JSX.Element {
  const { trans } = useTools();
  const { workspace, models = null } = props.overview;
  const words = [workspace.location ?? '', workspace.resource_group];
  if (models !== null) {
    words.push(trans._n('%2 model', '%2 models', models, String(models)));
  }
  const { link = '' } = workspace;
  return (
    <div className="mltrack-Azure-place">
      <div className="mltrack-Row-line">
        <bdi className="mltrack-Azure-words" title={workspace.arm_id}>
          {displayName(words.filter(one => one !== '').join(' · '))}
        </bdi>
        {link !== '' && (
          <a
            className="mltrack-Azure-link"
            href={link}
            target="_blank"
            rel="noopener noreferrer"
            title={trans.__('Open in Azure ML studio')}
          >
            <openPageIcon.react tag="span" className="mltrack-Status-icon" aria-hidden="true" />
            <span className="mltrack-visually-hidden">{trans.__('Open in Azure ML studio')}</span>
          </a>
        )}
      </div>
      <div className="mltrack-Azure-sum" data-costs={props.costing > 0}>
        {props.costing > 0
          ? trans._n(
              '%2 costs money now',
              '%2 cost money now',
              props.costing,
              String(props.costing)
            )
          : trans.__('Nothing costs money now')}
      </div>
    </div>
  );
}
