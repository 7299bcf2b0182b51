/** The first lines of a run's page: its name, how it is, where it comes from, what can be done. */
import { editIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { formatAgo, formatDuration, formatTook } from '../../format';
import { Name, StatusMark, statusWord } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { useModel, useTick } from '../../panel/hooks';
import { isRunning } from '../../store/liveStore';
import type { RunPageStore } from '../../store/runPageStore';
import { displayName } from '../../text';
import type { RunDetail, RunSummary } from '../../types';
import { starIcon, starredIcon } from '../parts/icons';
import { HeadActs } from './headActs';
import { Lineage } from './lineage';
import { Notes } from './notes';

const LIVE_TICK_MS = 1000;
const TICK_MS = 30_000;
const LONGEST_NAME = 500;

export function RunHead(props: { page: RunPageStore; detail: RunDetail }): JSX.Element {
  const { page, detail } = props;
  const { store } = useTools();
  useModel(store.live);
  const summary = store.live.newest(detail.summary);
  return (
    <header className="mltrack-PageHead">
      <div className="mltrack-PageHead-row">
        <StatusMark status={summary.status} />
        <Title page={page} name={detail.summary.name} />
        <Star page={page} starred={detail.summary.starred} />
        <span className="mltrack-PageHead-space" />
      </div>
      <Facts run={summary} detail={detail} />
      <Lineage page={page} run={summary} />
      <Notes page={page} detail={detail} />
      <HeadActs page={page} detail={detail} />
    </header>
  );
}

/** The run's name; the pencil and F2 make it a field. */
function Title(props: { page: RunPageStore; name: string }): JSX.Element {
  const { page, name } = props;
  const { trans } = useTools();
  const [editing, setEditing] = React.useState(false);
  const button = React.useRef<HTMLButtonElement>(null);
  if (editing) {
    return (
      <NameField
        page={page}
        name={name}
        onDone={() => {
          setEditing(false);
          requestAnimationFrame(() => button.current?.focus());
        }}
      />
    );
  }
  return (
    <>
      <h2 className="mltrack-PageHead-title" data-name={displayName(name)}>
        <Name text={name} />
      </h2>
      <button
        type="button"
        className="mltrack-IconButton"
        ref={button}
        title={trans.__('Rename (F2)')}
        aria-label={trans.__('Rename the run')}
        onClick={() => setEditing(true)}
        onKeyDown={event => {
          if (event.key === 'F2') {
            setEditing(true);
          }
        }}
      >
        <editIcon.react tag="span" aria-hidden="true" />
      </button>
    </>
  );
}

function NameField(props: { page: RunPageStore; name: string; onDone: () => void }): JSX.Element {
  const { page, name, onDone } = props;
  const { trans, actions } = useTools();
  const [value, setValue] = React.useState(name);
  const submit = async (): Promise<void> => {
    const wanted = value.trim();
    onDone();
    if (wanted !== '' && wanted !== name && (await page.acts.rename(wanted))) {
      actions().notify({
        message: trans.__('The run is called %1 now.', displayName(wanted)),
        undo: () => void page.acts.rename(name)
      });
    }
  };
  return (
    <form
      className="mltrack-PageHead-form"
      onSubmit={event => {
        event.preventDefault();
        void submit();
      }}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          onDone();
        }
      }}
    >
      <input
        className="jp-mod-styled mltrack-Input"
        value={value}
        autoFocus
        maxLength={LONGEST_NAME}
        spellCheck={false}
        aria-label={trans.__('Name of the run')}
        onFocus={event => event.currentTarget.select()}
        onChange={event => setValue(event.currentTarget.value)}
      />
      <button type="submit" className="mltrack-Button mltrack-mod-small">
        {trans.__('Rename')}
      </button>
      <button type="button" className="mltrack-Button mltrack-mod-small" onClick={onDone}>
        {trans.__('Cancel')}
      </button>
    </form>
  );
}

function Star(props: { page: RunPageStore; starred: boolean }): JSX.Element {
  const { page, starred } = props;
  const { trans } = useTools();
  const Icon = starred ? starredIcon : starIcon;
  const word = starred ? trans.__('Starred: take the star away') : trans.__('Star this run');
  return (
    <button
      type="button"
      className="mltrack-IconButton mltrack-PageStar"
      aria-pressed={starred}
      aria-label={trans.__('Star')}
      title={word}
      onClick={() => void page.acts.star(!starred)}
    >
      <Icon.react tag="span" aria-hidden="true" />
    </button>
  );
}

/** How it is, how long it took, when and by whom, in words. */
function Facts(props: { run: RunSummary; detail: RunDetail }): JSX.Element {
  const { run, detail } = props;
  const { store, trans, language } = useTools();
  useModel(store);
  const running = isRunning(run.status);
  useTick(running ? LIVE_TICK_MS : TICK_MS, true);
  const now = store.clock.now();
  const tookMs = (run.end_ms ?? now) - run.start_ms;
  const took = running ? formatDuration(tookMs) : run.end_ms === null ? '' : formatTook(tookMs);
  const place = store.workspaces.find(one => one.id === run.workspace_id)?.name;
  const link = detail.link !== null && /^https?:\/\//i.test(detail.link) ? detail.link : null;
  return (
    <ul className="mltrack-PageHead-facts">
      <li data-fact="status">{statusWord(run.status, trans)}</li>
      {took !== '' && <li data-fact="took">{took}</li>}
      <li title={new Date(run.start_ms).toLocaleString(language)}>
        {formatAgo(run.start_ms, now, language)}
      </li>
      {run.experiment !== null && (
        <li title={trans.__('Experiment')}>
          <Name text={run.experiment} />
        </li>
      )}
      {run.user !== '' && (
        <li title={trans.__('User')}>
          <Name text={run.user} />
        </li>
      )}
      {place !== undefined && (
        <li title={trans.__('Workspace')}>
          <Name text={place} />
        </li>
      )}
      {run.waiting_points > 0 && <li>{trans.__('%1 points still to send', run.waiting_points)}</li>}
      {detail.merged && <li>{trans.__('as known on this machine')}</li>}
      {link !== null && (
        <li>
          <a className="mltrack-Link" href={link} target="_blank" rel="noopener noreferrer">
            {trans.__('Open in MLflow')}
          </a>
        </li>
      )}
    </ul>
  );
}
