/** One datastore of the workspace, and below it what lies in it, folder by folder. */
import { caretUpIcon, fileIcon, folderIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { formatAgo, formatBytes } from '../format';
import { CopyButton, Waiting } from '../models/bits';
import { Name, ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import type { Resource } from '../store/resource';
import { displayName } from '../text';
import type { DataEntry, DataListing, DatastoreInfo, WorkspaceId } from '../types';
import type { AzureStore } from './azureStore';

export function DatastoreRow(props: {
  datastore: DatastoreInfo;
  store: AzureStore;
  open: boolean;
  tabIndex: number;
  onToggle: () => void;
}): JSX.Element {
  const { trans } = useTools();
  const { datastore, store, open } = props;
  const { kind, container = '', is_default: isDefault = false } = datastore;
  return (
    <>
      <button
        type="button"
        className="mltrack-Row mltrack-EndpointRow mltrack-AzureRow"
        aria-expanded={open}
        data-datastore={datastore.name}
        tabIndex={props.tabIndex}
        onClick={props.onToggle}
      >
        <span className="mltrack-Row-line">
          <folderIcon.react tag="span" className="mltrack-Tree-icon" aria-hidden="true" />
          <Name text={datastore.name} className="mltrack-Row-name" />
          <span className="mltrack-Served">{isDefault ? trans.__('default') : ''}</span>
        </span>
        <span className="mltrack-Row-line mltrack-mod-second">
          <span className="mltrack-Row-words">
            {displayName([kind, container].filter(one => one !== '').join(' · '))}
          </span>
        </span>
      </button>
      {open && store.workspace !== null && (
        <Opened datastore={datastore.name} store={store} workspace={store.workspace} />
      )}
    </>
  );
}

/** The folder that is looked into; it begins at the top. */
function Opened(props: {
  datastore: string;
  store: AzureStore;
  workspace: WorkspaceId;
}): JSX.Element {
  const { trans } = useTools();
  const { datastore, store, workspace } = props;
  const [path, setPath] = React.useState('');
  const [listing, setListing] = React.useState<Resource<DataListing> | null>(null);
  React.useEffect(() => {
    const asked = store.folder(workspace, datastore, path);
    setListing(asked);
    void asked.load();
    return () => asked.dispose();
  }, [store, workspace, datastore, path]);
  const up = path.slice(0, Math.max(path.lastIndexOf('/'), 0));
  const address = `azureml://datastores/${datastore}/paths/${path}`;
  return (
    <div className="mltrack-Endpoint mltrack-Azure-opened">
      <div className="mltrack-Row-line">
        {path !== '' && (
          <button
            type="button"
            className="mltrack-IconButton"
            title={trans.__('One folder up')}
            aria-label={trans.__('One folder up')}
            onClick={() => setPath(up)}
          >
            <caretUpIcon.react tag="span" aria-hidden="true" />
          </button>
        )}
        <bdi className="mltrack-Azure-words" title={displayName(address)}>
          {displayName(`${datastore}/${path}`)}
        </bdi>
        <CopyButton text={address} label={trans.__('Copy address')} />
      </div>
      {listing !== null && <Folder listing={listing} onOpen={setPath} />}
    </div>
  );
}

function Folder(props: {
  listing: Resource<DataListing>;
  onOpen: (path: string) => void;
}): JSX.Element {
  const { trans } = useTools();
  const { listing, onOpen } = props;
  useModel(listing);
  const { value, problem } = listing;
  if (problem !== null) {
    return <ProblemView problem={problem} />;
  }
  if (value === null) {
    return <Waiting trans={trans} />;
  }
  return (
    <>
      {value.entries.length === 0 && (
        <p className="mltrack-Empty-line">
          {trans.__('Nothing is in it yet: %mltrack data put FILE %1', value.datastore)}
        </p>
      )}
      <ul className="mltrack-Data" aria-label={trans.__('Files')}>
        {value.entries.map(one => (
          <Entry key={one.path} entry={one} folder={value.path} onOpen={onOpen} />
        ))}
      </ul>
      {value.truncated === true && (
        <p className="mltrack-Empty-line">
          {trans.__('There is more in this folder than is listed.')}
        </p>
      )}
    </>
  );
}

function Entry(props: {
  entry: DataEntry;
  folder: string;
  onOpen: (path: string) => void;
}): JSX.Element {
  const { store, language } = useTools();
  const { entry, folder, onOpen } = props;
  const { path, is_dir: isFolder = false, size_bytes: size = null } = entry;
  const { modified_ms: changed = null } = entry;
  const name = folder === '' ? path : path.slice(folder.length + 1) || path;
  const Icon = isFolder ? folderIcon : fileIcon;
  const inside = (
    <>
      <Icon.react tag="span" className="mltrack-Tree-icon" aria-hidden="true" />
      <Name text={name} className="mltrack-Tree-name" />
    </>
  );
  const words = [
    size === null ? '' : formatBytes(size),
    changed === null ? '' : formatAgo(changed, store.clock.now(), language)
  ];
  return (
    <li className="mltrack-Data-entry" data-path={path}>
      {isFolder ? (
        <button type="button" className="mltrack-Data-name" onClick={() => onOpen(path)}>
          {inside}
        </button>
      ) : (
        <span className="mltrack-Data-name">{inside}</span>
      )}
      <span className="mltrack-Tree-size">{words.filter(one => one !== '').join(' · ')}</span>
    </li>
  );
}
