/** Which columns a list shows: only what differs, or what somebody picks. */
import * as React from 'react';
import { Name, ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import { formatCount } from '../format';
import type { RunsStore } from '../store/runsStore';
import { columnId, termOf } from '../store/terms';
import type { ColumnId, TermKind } from '../store/terms';
import { readableKey } from '../text';
import type { ColumnInfo } from '../types';
import { EXPERIMENT, STARTED, TOOK, USER } from './cells';
import { columnsIcon } from './icons';
import { Popover } from './popover';
import { columnWord } from './sortChoice';

/** Keys in the list at once; the search finds the others. */
const MOST_LISTED = 200;
/** What of a run itself can be a column, beside its name. */
export const OWN_COLUMNS: readonly ColumnId[] = [STARTED, TOOK, USER, EXPERIMENT];

export function ColumnChooser(props: { runs: RunsStore }): JSX.Element {
  const { trans } = useTools();
  const { runs } = props;
  return (
    <Popover
      label={trans.__('Columns')}
      icon={columnsIcon}
      className="mltrack-Columns"
      onOpen={() => runs.columns.need()}
    >
      {() => <Chooser runs={runs} />}
    </Popover>
  );
}

function Chooser(props: { runs: RunsStore }): JSX.Element {
  const { trans } = useTools();
  const { runs } = props;
  const { columns } = runs;
  const [search, setSearch] = React.useState('');
  useModel(columns);
  useModel(runs);
  return (
    <>
      <input
        type="search"
        className="jp-mod-styled mltrack-Search-input"
        value={search}
        autoFocus
        placeholder={trans.__('Find a column')}
        aria-label={trans.__('Find a column')}
        spellCheck={false}
        onChange={event => setSearch(event.currentTarget.value)}
      />
      <Check
        label={trans.__('Only what differs')}
        checked={columns.chosen === null}
        onToggle={() => columns.choose(columns.chosen === null ? (columns.shown ?? []) : null)}
      />
      <Check
        label={trans.__('Child runs below their parents')}
        checked={runs.wish.nested}
        onToggle={() => runs.setWish({ nested: !runs.wish.nested })}
      />
      {columns.problem !== null && <ProblemView problem={columns.problem} />}
      <div className="mltrack-Columns-list" role="group" aria-label={trans.__('Columns')}>
        <Groups runs={runs} search={search} />
      </div>
      {columns.full && (
        <p className="mltrack-Empty-line">
          {trans.__(
            'More than %1 columns are not shown at once.',
            formatCount(columns.shown?.length ?? 0)
          )}
        </p>
      )}
    </>
  );
}

function Groups(props: { runs: RunsStore; search: string }): JSX.Element {
  const { trans } = useTools();
  const { columns } = props.runs;
  const wanted = props.search.trim().toLowerCase();
  const known = columns.known?.columns ?? [];
  const kinds: [ColumnInfo['kind'], string][] = [
    ['metrics', trans.__('Metrics')],
    ['params', trans.__('Parameters')],
    ['tags', trans.__('Tags')]
  ];
  const own = OWN_COLUMNS.filter(column => columnWord(column, trans).includes(wanted));
  const fits = known.filter(one => readableKey(one.key).toLowerCase().includes(wanted));
  const unknown = (columns.chosen ?? []).filter(column => !isKnown(column, known));
  return (
    <>
      {columns.known === null && columns.problem === null && (
        <p className="mltrack-Empty-line" role="status">
          {trans.__('Loading …')}
        </p>
      )}
      {own.length > 0 && (
        <Group runs={props.runs} title={trans.__('Run')} columns={own} counts={null} />
      )}
      {kinds.map(([kind, title]) => (
        <KindGroup key={kind} runs={props.runs} kind={kind} title={title} infos={fits} />
      ))}
      {unknown.length > 0 && (
        <Group
          runs={props.runs}
          title={trans.__('Not in the newest runs')}
          columns={unknown}
          counts={null}
        />
      )}
      {columns.known?.truncated === true && (
        <p className="mltrack-Empty-line">
          {trans.__('There are more: the filter finds runs by any key.')}
        </p>
      )}
    </>
  );
}

function isKnown(column: ColumnId, known: readonly ColumnInfo[]): boolean {
  const term = termOf(column);
  return (
    term === null ||
    term.kind === 'attributes' ||
    known.some(one => one.kind === term.kind && one.key === term.key)
  );
}

function KindGroup(props: {
  runs: RunsStore;
  kind: TermKind;
  title: string;
  infos: readonly ColumnInfo[];
}): JSX.Element | null {
  const own = props.infos.filter(one => one.kind === props.kind);
  const counts = new Map(own.map(one => [columnId(one.kind, one.key), one.runs]));
  const columns = [...counts.keys()];
  return columns.length === 0 ? null : (
    <Group runs={props.runs} title={props.title} columns={columns} counts={counts} />
  );
}

function Group(props: {
  runs: RunsStore;
  title: string;
  columns: readonly ColumnId[];
  counts: ReadonlyMap<ColumnId, number> | null;
}): JSX.Element {
  const { trans } = useTools();
  const { columns } = props.runs;
  const shown = new Set(columns.shown ?? []);
  const more = props.columns.length - MOST_LISTED;
  return (
    <fieldset className="mltrack-Columns-group">
      <legend>{props.title}</legend>
      {props.columns.slice(0, MOST_LISTED).map(column => {
        const count = props.counts?.get(column);
        return (
          <Check
            key={column}
            label={<Name text={columnWord(column, trans)} />}
            note={
              count === undefined ? '' : trans._n('%2 run', '%2 runs', count, formatCount(count))
            }
            checked={shown.has(column)}
            disabled={columns.full && !shown.has(column)}
            onToggle={() => columns.toggle(column)}
          />
        );
      })}
      {more > 0 && (
        <p className="mltrack-Empty-line">
          {trans.__('%1 more: type to find them.', formatCount(more))}
        </p>
      )}
    </fieldset>
  );
}

function Check(props: {
  label: React.ReactNode;
  note?: string;
  checked: boolean;
  disabled?: boolean;
  onToggle: () => void;
}): JSX.Element {
  return (
    <label className="mltrack-Check">
      <input
        type="checkbox"
        checked={props.checked}
        disabled={props.disabled}
        onChange={props.onToggle}
      />
      <span className="mltrack-Check-label">{props.label}</span>
      {props.note !== undefined && props.note !== '' && (
        <span className="mltrack-Check-note">{props.note}</span>
      )}
    </label>
  );
}
