/** The top of the panel: where runs go, how that place is, and what to do about it. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect, refreshIcon, settingsIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { AccountLine } from '../account/accountLine';
import { formatBytes, formatClock, formatCount } from '../format';
import type { PanelStore } from '../store/panelStore';
import { displayName, shortenMiddle } from '../text';
import type { Health } from '../types';
import { useTools } from './context';
import { useModel } from './hooks';
import { dotState, healthWords } from './health';
import { syncIcon } from './icons';
import { WorkspaceSwitcher } from './workspaceSwitcher';

const LONGEST_OPTION = 48;
const LONGEST_ACCOUNT = 40;
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
          <WorkspaceSwitcher workspace={workspace} />
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
        <SettingsButton />
      </div>
      {workspace !== null ? (
        <HealthLine
          store={store}
          health={workspace.health}
          account={workspace.kind === 'azureml' ? null : workspace.account}
        />
      ) : (
        waiting && <div className="mltrack-Health">{trans.__('connecting …')}</div>
      )}
      {workspace?.kind === 'azureml' && phase === 'ready' && (
        <AccountLine key={workspace.id} workspace={workspace} />
      )}
      {(workspace !== null || waiting) && <Experiments store={store} />}
    </header>
  );
}

/** To the settings of the panel, where the application has an editor for them. */
function SettingsButton(): JSX.Element | null {
  const { trans, actions } = useTools();
  const open = actions().openSettings;
  return open === null ? null : (
    <button
      type="button"
      className="mltrack-IconButton"
      title={trans.__('Settings')}
      aria-label={trans.__('Settings')}
      onClick={open}
    >
      <settingsIcon.react tag="span" aria-hidden="true" />
    </button>
  );
}

/** What a sync would do; null when there is nothing for it to do. */
function syncWords(health: Health, trans: TranslationBundle): string | null {
  if (health.waiting_points > 0 || (health.waiting_files ?? 0) > 0) {
    return trans.__('Send what waits now');
  }
  // An address that only a project's file names is not asked before the user says so.
  return health.state === 'connecting' && health.hint !== '' ? trans.__('Connect') : null;
}

/** How the workspace is, what waits for it, and who asks it. */
function HealthLine(props: {
  store: PanelStore;
  health: Health;
  account: string | null;
}): JSX.Element {
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
  const { waiting_files: files = 0, waiting_bytes: size = 0 } = health;
  if (files > 0) {
    parts.push(
      trans._n(
        '%2 file on its way (%3)',
        '%2 files on their way (%3)',
        files,
        formatCount(files),
        formatBytes(size)
      )
    );
  }
  if (props.account !== null) {
    parts.push(displayName(shortenMiddle(props.account, LONGEST_ACCOUNT)));
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
