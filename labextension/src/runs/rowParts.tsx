/** The pieces that rows of lists and of tables share: check, children, name, star. */
import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { formatCount } from '../format';
import { Name, StatusMark } from '../panel/bits';
import { useTools } from '../panel/context';
import { drawn } from '../panel/drawn';
import type { ListedRow } from '../store/runTree';
import type { RunsStore } from '../store/runsStore';
import { displayName, lastLine } from '../text';
import type { RunSummary } from '../types';
import { useActs } from './acts';
import { starIcon, starredIcon } from './icons';
import { ROW_KEYS } from './rowKeys';

const INDENT_PX = 12;
const MORE_LEFT_PX = 40;
const LONGEST_NAME = 500;

export interface RowProps {
  readonly runs: RunsStore;
  readonly run: RunSummary;
  /** 1 for a run that is nested under none. */
  readonly level: number;
  readonly index: number;
  readonly tabIndex: 0 | -1;
  /** Whether what it holds is shown; undefined where it holds nothing. */
  readonly open: boolean | undefined;
  readonly renaming: boolean;
  readonly selected: boolean;
  /** Whether its child runs are shown; `space` where others of the list have some. */
  readonly branch: 'none' | 'space' | 'closed' | 'open';
  /** When it is, for what is told of the time since. */
  readonly nowMs: number;
  /** The same object for as long as the list is there: a row is drawn again when it changed. */
  readonly events: RowEvents;
}

export interface RowEvents {
  readonly open: (run: RunSummary, row: HTMLElement) => void;
  /** The new name; null when it stays as it was. */
  readonly renamed: (run: RunSummary, name: string | null) => void;
}

/** What of a row follows from its list. */
export function stateOf(
  runs: RunsStore,
  run: RunSummary
): { selected: boolean; branch: RowProps['branch'] } {
  const selected = runs.selected.has(run.run_id);
  if (!runs.isTree || run.children === 0) {
    return { selected, branch: runs.hasBranches ? 'space' : 'none' };
  }
  return { selected, branch: runs.isBranchOpen(run.run_id) ? 'open' : 'closed' };
}

/** Events that stay the same object while what they do is the newest. */
export function useEvents(newest: RowEvents): RowEvents {
  const latest = React.useRef(newest);
  latest.current = newest;
  return React.useMemo(
    () => ({
      open: (run, row) => latest.current.open(run, row),
      renamed: (run, name) => latest.current.renamed(run, name)
    }),
    []
  );
}

/** The row itself: what it is for a screen reader, and that a click opens it. */
export function RowShell(
  props: RowProps & {
    className: string;
    style: React.CSSProperties;
    children: React.ReactNode;
  }
): JSX.Element {
  const { runs, run, selected } = props;
  return (
    <div
      role="row"
      className={`mltrack-Row mltrack-RunRow ${props.className}`}
      style={props.style}
      aria-expanded={props.open}
      aria-level={props.level}
      aria-rowindex={props.index + 1}
      aria-selected={selected}
      aria-keyshortcuts={ROW_KEYS}
      data-status={run.status}
      data-run-id={run.run_id}
      tabIndex={props.tabIndex}
      onClick={event => {
        const { target, currentTarget } = event;
        if (target instanceof Element && target.closest('button, input, label, a') === null) {
          if (event.ctrlKey || event.metaKey || event.shiftKey) {
            runs.select(run.run_id, event.shiftKey);
          } else {
            props.events.open(run, currentTarget);
          }
        }
      }}
    >
      {props.children}
    </div>
  );
}

/** Keys of a control inside a row are not the row's. */
function keepKeys(event: React.KeyboardEvent): void {
  if (event.key === ' ' || event.key === 'Enter') {
    event.stopPropagation();
  }
}

export function SelectCell(
  props: RowProps & {
    /** Within another cell, rather than one of its own. */
    inside?: boolean;
  }
): JSX.Element {
  const { trans } = useTools();
  const { runs, run } = props;
  return (
    <span role={props.inside === true ? undefined : 'gridcell'} className="mltrack-SelectCell">
      <input
        type="checkbox"
        checked={props.selected}
        aria-label={trans.__('Select %1', displayName(run.name))}
        tabIndex={props.tabIndex}
        onKeyDown={keepKeys}
        onClick={event => runs.select(run.run_id, event.shiftKey)}
        onChange={() => undefined}
      />
    </span>
  );
}

export function StarButton(props: RowProps): JSX.Element {
  const { trans } = useTools();
  const { run } = props;
  const acts = useActs();
  const label = trans.__('Star %1', displayName(run.name));
  return (
    <button
      type="button"
      className="mltrack-IconButton mltrack-Star"
      title={run.starred ? trans.__('Take the star away') : trans.__('Star')}
      aria-label={label}
      aria-pressed={run.starred}
      disabled={run.deleted}
      tabIndex={props.tabIndex}
      onKeyDown={keepKeys}
      onClick={() => acts.star([run], !run.starred)}
    >
      {drawn(run.starred ? starredIcon : starIcon)}
    </button>
  );
}

/** Room for the depth of a run, and the button that shows its child runs. */
function Branch(props: RowProps): JSX.Element | null {
  const { trans } = useTools();
  const { runs, run, level, branch } = props;
  if (branch === 'none') {
    return null;
  }
  const open = branch === 'open';
  const words = trans._n('%2 child run', '%2 child runs', run.children, formatCount(run.children));
  return (
    <span className="mltrack-Branch" style={{ paddingLeft: (level - 1) * INDENT_PX }}>
      {branch !== 'space' && (
        <button
          type="button"
          className="mltrack-Branch-button"
          title={words}
          aria-label={words}
          aria-expanded={open}
          tabIndex={props.tabIndex}
          onKeyDown={keepKeys}
          onClick={() => runs.toggleBranch(run.run_id)}
        >
          {drawn(open ? caretDownIcon : caretRightIcon)}
        </button>
      )}
    </span>
  );
}

/** Mark of the state, depth, and the name or the field for another one. */
export function NameParts(props: RowProps): JSX.Element {
  const { trans } = useTools();
  const { run } = props;
  return (
    <>
      <Branch {...props} />
      <StatusMark status={run.status} />
      {props.renaming ? (
        <RenameField name={run.name} onDone={name => props.events.renamed(run, name)} />
      ) : (
        <Name text={run.name} className="mltrack-Row-name" />
      )}
      {run.attempt > 1 && !props.renaming && (
        <span
          className="mltrack-Attempt"
          title={trans.__('Attempt %1 of the same cell', String(run.attempt))}
        >
          ({run.attempt})
        </span>
      )}
    </>
  );
}

function RenameField(props: { name: string; onDone: (name: string | null) => void }): JSX.Element {
  const { trans } = useTools();
  const [typed, setTyped] = React.useState(props.name);
  const ended = React.useRef(false);
  const end = (keep: boolean): void => {
    if (!ended.current) {
      ended.current = true;
      const name = typed.trim();
      props.onDone(keep && name !== '' && name !== props.name ? name : null);
    }
  };
  return (
    <input
      className="jp-mod-styled mltrack-Rename"
      value={typed}
      autoFocus
      autoComplete="off"
      spellCheck={false}
      maxLength={LONGEST_NAME}
      aria-label={trans.__('New name of the run')}
      onFocus={event => event.currentTarget.select()}
      onChange={event => setTyped(event.currentTarget.value)}
      onBlur={() => end(true)}
      onKeyDown={event => {
        event.stopPropagation();
        if (event.key === 'Enter' || event.key === 'Escape') {
          event.preventDefault();
          end(event.key === 'Enter');
        }
      }}
    />
  );
}

export function RunError(props: { run: RunSummary }): JSX.Element | null {
  const { error } = props.run;
  if (error === null || error === '') {
    return null;
  }
  return (
    <span className="mltrack-Row-error" title={displayName(error)}>
      {lastLine(error)}
    </span>
  );
}

/** Stands below the child runs that are there, for those that are not. */
export function MoreRow(props: {
  runs: RunsStore;
  row: Extract<ListedRow, { kind: 'more' }>;
  height: number;
  tabIndex: 0 | -1;
}): JSX.Element {
  const { trans } = useTools();
  const { parent, level, loading, problem } = props.row;
  const words = loading ? trans.__('Loading …') : trans.__('More child runs');
  return (
    <div
      role="row"
      className="mltrack-Row mltrack-MoreRow"
      style={{ height: props.height, paddingLeft: MORE_LEFT_PX + level * INDENT_PX }}
      aria-level={level}
      tabIndex={props.tabIndex}
      onClick={() => props.runs.loadMoreBelow(parent)}
    >
      <span role="gridcell">{problem === null ? words : displayName(problem.message)}</span>
    </div>
  );
}
