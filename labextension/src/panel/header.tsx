/** The top of the panel: where runs go, how that place is, and what to do about it. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect, refreshIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { formatClock, formatCount } from '../format';
import type { PanelStore } from '../store/panelStore';
import { displayName, shortenMiddle } from '../text';
import type { Health, WorkspaceInfo } from '../types';
import { Name } from './bits';
import { useTools } from './context';
import { useModel } from './hooks';
import { syncIcon } from './icons';

const LONGEST_OPTION = 48;
const ALL = '';

export function Header(): JSX.Element {
  const { store, trans, actions } = useTools();
  useModel(store);
  const { workspace, phase } = store;
  const waiting = phase === 'idle' || phase === 'connecting';
  const act = phase === 'ready' && workspace !== null ? syncWords(workspace.health, trans) : null;
  return (
    <header className="mltrack-Header">
      <div className="mltrack-Header-row">
        {workspace === null ? (
          <span className="mltrack-Header-title">MLTrack</span>
        ) : (
          <Workspace workspace={workspace} />
        )}
        {act !== null && (
          <button
            type="button"
            className="mltrack-IconButton"
            title={act}
            aria-label={act}
            disabled={store.syncing}
            onClick={actions().sync}
          >
            <syncIcon.react tag="span" aria-hidden="true" />
          </button>
        )}
        <button
          type="button"
          className="mltrack-IconButton"
          title={trans.__('Refresh')}
          aria-label={trans.__('Refresh')}
          onClick={() => void store.refresh()}
        >
          <refreshIcon.react tag="span" aria-hidden="true" />
        </button>
      </div>
      {workspace !== null ? (
        <HealthLine store={store} health={workspace.health} />
      ) : (
        waiting && <div className="mltrack-Health">{trans.__('connecting …')}</div>
      )}
      {(workspace !== null || waiting) && <Experiments store={store} />}
    </header>
  );
}

/** What a sync would do; null when there is nothing for it to do. */
function syncWords(health: Health, trans: TranslationBundle): string | null {
  if (health.waiting_points > 0) {
    return trans.__('Send what waits now');
  }
  // An address that only a project's file names is not asked before the user says so.
  return health.state === 'connecting' && health.hint !== '' ? trans.__('Connect') : null;
}

function Workspace(props: { workspace: WorkspaceInfo }): JSX.Element {
  const { store, trans } = useTools();
  const { workspace } = props;
  const dot = (
    <span className="mltrack-Dot" data-state={dotState(workspace.health)} aria-hidden="true" />
  );
  if (store.workspaces.length < 2) {
    return (
      <span className="mltrack-Header-workspace" title={displayName(workspace.uri)}>
        {dot}
        <Name text={workspace.name} className="mltrack-Header-name" />
      </span>
    );
  }
  return (
    <span className="mltrack-Header-workspace" title={displayName(workspace.uri)}>
      {dot}
      <HTMLSelect
        className="mltrack-Select mltrack-mod-title"
        aria-label={trans.__('Workspace')}
        value={workspace.id}
        onChange={event => {
          const chosen = store.workspaces.find(one => one.id === event.currentTarget.value);
          if (chosen !== undefined) {
            store.chooseWorkspace(chosen.id);
          }
        }}
      >
        {store.workspaces.map(one => (
          <option key={one.id} value={one.id}>
            {displayName(shortenMiddle(one.name, LONGEST_OPTION))}
          </option>
        ))}
      </HTMLSelect>
    </span>
  );
}

function dotState(health: Health): 'good' | 'busy' | 'bad' {
  switch (health.state) {
    case 'ready':
      return health.waiting_points > 0 ? 'busy' : 'good';
    case 'connecting':
      return 'busy';
    case 'broken':
    case 'denied':
    case 'signed_out':
    case 'unreachable':
      return 'bad';
  }
}

/** The state in words a person would use. */
function healthWords(
  health: Health,
  nowMs: number,
  language: string,
  trans: TranslationBundle
): string {
  const since = formatClock(health.since_ms, nowMs, language);
  switch (health.state) {
    case 'ready':
      return trans.__('ready');
    case 'connecting':
      return trans.__('connecting …');
    case 'signed_out':
      return trans.__('signed out');
    case 'denied':
      return trans.__('no permission');
    case 'unreachable':
      return trans.__('unreachable since %1', since);
    case 'broken':
      return trans.__('not working since %1', since);
  }
}

function HealthLine(props: { store: PanelStore; health: Health }): JSX.Element {
  const { store, health } = props;
  const { trans, language } = useTools();
  const now = store.clock.now();
  const explain = health.state !== 'ready';
  const parts = [healthWords(health, now, language, trans)];
  if (health.waiting_points > 0) {
    const count = formatCount(health.waiting_points);
    parts.push(
      health.waiting_since_ms === null
        ? trans._n('%2 point waiting', '%2 points waiting', health.waiting_points, count)
        : trans._n(
            '%2 point waiting since %3',
            '%2 points waiting since %3',
            health.waiting_points,
            count,
            formatClock(health.waiting_since_ms, now, language)
          )
    );
  }
  const more = [health.message, health.hint].filter(text => text !== '').join(' · ');
  return (
    <div
      className="mltrack-Health"
      data-state={dotState(health)}
      role="status"
      title={more === '' ? undefined : displayName(more)}
    >
      <span className="mltrack-Health-words">{parts.join(' · ')}</span>
      {explain && more !== '' && <span className="mltrack-Health-hint">{displayName(more)}</span>}
    </div>
  );
}

function Experiments(props: { store: PanelStore }): JSX.Element {
  const { store } = props;
  const { trans } = useTools();
  return (
    <label className="mltrack-Header-experiment">
      <span>{trans.__('experiment')}</span>
      <HTMLSelect
        className="mltrack-Select"
        aria-label={trans.__('Experiment')}
        value={store.experimentId ?? ALL}
        onChange={event => {
          const id = event.currentTarget.value;
          store.chooseExperiment(store.experiments.find(one => one.id === id)?.id ?? null);
        }}
      >
        <option value={ALL}>{trans.__('all')}</option>
        {store.experiments.map(one => (
          <option key={one.id} value={one.id}>
            {displayName(shortenMiddle(one.name, LONGEST_OPTION))}
          </option>
        ))}
      </HTMLSelect>
    </label>
  );
}
