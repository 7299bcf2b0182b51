/** The line between the filter and the rows: how many, in which order; or what to do with the chosen ones. */
import { closeIcon, deleteIcon } from '@jupyterlab/ui-components';
import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { formatCount } from '../format';
import { useTools } from '../panel/context';
import { MOST_COMPARED } from '../pages/door';
import type { RunsView } from '../store/runsQuery';
import type { RunsStore } from '../store/runsStore';
import type { RunSummary } from '../types';
import { useActs } from './acts';
import { starIcon, starredIcon } from './icons';
import { SortChoice } from './sortChoice';

/** What is asked about the chosen runs below the line. */
export type Asked = 'tags' | 'delete' | 'register' | null;

export function Toolbar(props: {
  runs: RunsStore;
  asked: Asked;
  onAsk: (asked: Asked) => void;
  /** The heads of a table sort as well: no need to say it twice. */
  sorts: boolean;
  children?: React.ReactNode;
}): JSX.Element {
  const { runs } = props;
  const chosen = runs.selectedRuns;
  return (
    <div className="mltrack-ListBar">
      {chosen.length > 0 ? (
        <ChosenActs runs={runs} chosen={chosen} asked={props.asked} onAsk={props.onAsk} />
      ) : (
        <>
          <Count runs={runs} />
          {props.sorts && <SortChoice runs={runs} />}
          <Views runs={runs} />
          {props.children}
        </>
      )}
    </div>
  );
}

function Count(props: { runs: RunsStore }): JSX.Element {
  const { trans } = useTools();
  const { runs } = props;
  const { total, problem } = runs;
  // None is no number to say while it is not known whether there are any.
  const known = runs.loaded && total !== null && (total > 0 || problem === null);
  return (
    <span
      className="mltrack-Search-count"
      aria-live="polite"
      title={runs.hasBranches ? trans.__('Child runs are not counted') : undefined}
    >
      {known ? trans._n('%2 run', '%2 runs', total, formatCount(total)) : ''}
    </span>
  );
}

/** Only runs with a star, or those that were deleted. */
function Views(props: { runs: RunsStore }): JSX.Element {
  const { trans } = useTools();
  const { runs } = props;
  const { view } = runs.wish;
  const toggle = (wanted: RunsView): void =>
    runs.setWish({ view: view === wanted ? 'all' : wanted });
  return (
    <>
      <ToggleButton
        label={trans.__('Only runs with a star')}
        icon={view === 'starred' ? starredIcon : starIcon}
        pressed={view === 'starred'}
        onToggle={() => toggle('starred')}
      />
      <ToggleButton
        label={trans.__('Deleted runs')}
        icon={deleteIcon}
        pressed={view === 'deleted'}
        onToggle={() => toggle('deleted')}
      />
    </>
  );
}

function ToggleButton(props: {
  label: string;
  icon: LabIcon;
  pressed: boolean;
  onToggle: () => void;
}): JSX.Element {
  const { icon: Icon } = props;
  return (
    <button
      type="button"
      className="mltrack-IconButton"
      title={props.label}
      aria-label={props.label}
      aria-pressed={props.pressed}
      onClick={props.onToggle}
    >
      <Icon.react tag="span" aria-hidden="true" />
    </button>
  );
}

function ChosenActs(props: {
  runs: RunsStore;
  chosen: readonly RunSummary[];
  asked: Asked;
  onAsk: (asked: Asked) => void;
}): JSX.Element {
  const { trans } = useTools();
  const { runs, chosen, asked } = props;
  const acts = useActs();
  const ask = (wanted: Asked): void => props.onAsk(asked === wanted ? null : wanted);
  const deleted = runs.wish.view === 'deleted';
  const count = chosen.length;
  const words = trans._n('%2 selected', '%2 selected', count, formatCount(count));
  return (
    <>
      <span className="mltrack-Search-count" aria-live="polite" title={words}>
        <span className="mltrack-visually-hidden">{words}</span>
        <span aria-hidden="true">{formatCount(chosen.length)}</span>
      </span>
      <span className="mltrack-ListBar-acts" role="toolbar" aria-label={trans.__('Selected runs')}>
        {deleted ? (
          <button
            type="button"
            className="mltrack-Link"
            onClick={() => {
              acts.restore(chosen);
              runs.selectNone();
            }}
          >
            {trans.__('Restore')}
          </button>
        ) : (
          <ActsOnLive chosen={chosen} asked={asked} ask={ask} />
        )}
      </span>
      <button
        type="button"
        className="mltrack-IconButton"
        title={trans.__('Select none')}
        aria-label={trans.__('Select none')}
        onClick={() => runs.selectNone()}
      >
        <closeIcon.react tag="span" aria-hidden="true" />
      </button>
    </>
  );
}

function ActsOnLive(props: {
  chosen: readonly RunSummary[];
  asked: Asked;
  ask: (asked: Asked) => void;
}): JSX.Element {
  const { trans, actions } = useTools();
  const { chosen, asked, ask } = props;
  const [first] = chosen;
  const runIds = chosen.map(run => run.run_id);
  const comparable = runIds.length >= 2 && runIds.length <= MOST_COMPARED;
  return (
    <>
      <button
        type="button"
        className="mltrack-Link"
        disabled={!comparable}
        title={
          comparable ? undefined : trans.__('2 to %1 runs can be compared', String(MOST_COMPARED))
        }
        onClick={() =>
          first && actions().openPage('compare', { workspace: first.workspace_id, runIds })
        }
      >
        {trans.__('Compare')}
      </button>
      {chosen.length === 1 && first !== undefined && (
        <button
          type="button"
          className="mltrack-Link"
          onClick={() => actions().openPage('run', { workspace: first.workspace_id, runIds })}
        >
          {trans.__('Open')}
        </button>
      )}
      <Asking what="register" asked={asked} ask={ask}>
        {trans.__('Register')}
      </Asking>
      <Asking what="tags" asked={asked} ask={ask}>
        {trans.__('Tags')}
      </Asking>
      <Asking what="delete" asked={asked} ask={ask}>
        {trans.__('Delete')}
      </Asking>
    </>
  );
}

function Asking(props: {
  what: Exclude<Asked, null>;
  asked: Asked;
  ask: (asked: Asked) => void;
  children: React.ReactNode;
}): JSX.Element {
  const { what, asked, ask } = props;
  return (
    <button
      type="button"
      className="mltrack-Link"
      aria-expanded={asked === what}
      onClick={() => ask(what)}
    >
      {props.children}
    </button>
  );
}
