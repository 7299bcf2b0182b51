/** What is asked about chosen runs before something is done to them: their tags, or "really?". */
import { closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { formatCount } from '../format';
import { Name, ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import { Resource } from '../store/resource';
import type { RunsStore } from '../store/runsStore';
import { displayName, readableKey } from '../text';
import type { Pair, Problem, RunDetails, RunSummary } from '../types';
import { useActs } from './acts';

/** The server tells the tags of so many runs at once. */
const MOST_READ = 50;
const MOST_SHOWN = 100;
const LONGEST_KEY = 250;
const LONGEST_VALUE = 8000;
/** Tags that MLflow and the panel keep for themselves. */
const OWN = /^(?:mlflow|mltrack)\./;

export function DeleteQuestion(props: {
  chosen: readonly RunSummary[];
  onDone: () => void;
}): JSX.Element {
  const { trans } = useTools();
  const { chosen, onDone } = props;
  const acts = useActs();
  const count = chosen.length;
  const children = chosen.reduce((sum, run) => sum + run.children, 0);
  return (
    <form
      className="mltrack-Asked"
      aria-label={trans.__('Delete runs')}
      onSubmit={event => {
        event.preventDefault();
        acts.remove(chosen);
        onDone();
      }}
      onKeyDown={event => leaveByEscape(event, onDone)}
    >
      <p>
        {count === 1
          ? trans.__('Delete %1?', displayName(chosen[0]?.name ?? ''))
          : trans.__('Delete %1 runs?', formatCount(count))}{' '}
        {trans.__('They can be restored among the deleted runs.')}
        {children > 0 && ` ${trans.__('Child runs stay.')}`}
      </p>
      <div className="mltrack-Buttons">
        <button type="button" className="mltrack-Button" autoFocus onClick={onDone}>
          {trans.__('Cancel')}
        </button>
        <button type="submit" className="mltrack-Button mltrack-mod-danger">
          {trans.__('Delete')}
        </button>
      </div>
    </form>
  );
}

export function leaveByEscape(event: React.KeyboardEvent, leave: () => void): void {
  if (event.key === 'Escape') {
    event.stopPropagation();
    leave();
  }
}

/** A tag of the chosen runs: its values, and how many have it. */
interface SharedTag {
  readonly key: string;
  readonly values: readonly string[];
  readonly count: number;
}

function sharedTags(details: RunDetails): SharedTag[] {
  const found = new Map<string, string[]>();
  for (const { key, value } of details.runs.flatMap((run): readonly Pair[] => run.tags)) {
    if (!OWN.test(key)) {
      found.set(key, [...(found.get(key) ?? []), value]);
    }
  }
  return [...found]
    .map(([key, values]) => ({ key, values: [...new Set(values)], count: values.length }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** What the server tells of the first of the chosen runs. */
export function useDetails(
  runs: RunsStore,
  chosen: readonly RunSummary[]
): Resource<RunDetails> | null {
  const { runClient } = useTools();
  const [details, setDetails] = React.useState<Resource<RunDetails> | null>(null);
  const { workspace } = runs;
  const ids = chosen
    .slice(0, MOST_READ)
    .map(run => run.run_id)
    .join(' ');
  React.useEffect(() => {
    if (workspace === null) {
      return undefined;
    }
    const wanted = chosenIds.current;
    const resource = new Resource(signal => runClient.details(workspace, wanted, signal));
    setDetails(resource);
    void resource.load();
    return () => resource.dispose();
  }, [runClient, workspace, ids]);
  const chosenIds = React.useRef<RunSummary['run_id'][]>([]);
  chosenIds.current = chosen.slice(0, MOST_READ).map(run => run.run_id);
  useModel(details);
  return details;
}

export function TagEditor(props: {
  runs: RunsStore;
  chosen: readonly RunSummary[];
  onDone: () => void;
}): JSX.Element {
  const { trans } = useTools();
  const { runs, chosen } = props;
  const acts = useActs();
  const details = useDetails(runs, chosen);
  const [problem, setProblem] = React.useState<Problem | null>(null);
  const change = async (key: string, value: string | null): Promise<boolean> => {
    const failed = await acts.tag(chosen, key, value);
    setProblem(failed);
    await details?.load();
    return failed === null;
  };
  const tags = details?.value ? sharedTags(details.value) : [];
  const shownProblem = problem ?? details?.problem ?? null;
  return (
    <div
      className="mltrack-Asked"
      role="group"
      aria-label={trans.__('Tags of the selected runs')}
      onKeyDown={event => leaveByEscape(event, props.onDone)}
    >
      {shownProblem !== null && <ProblemView problem={shownProblem} />}
      <ul className="mltrack-TagList">
        {tags.slice(0, MOST_SHOWN).map(tag => (
          <TagRow
            key={tag.key}
            tag={tag}
            of={Math.min(chosen.length, MOST_READ)}
            onRemove={() => void change(tag.key, null)}
          />
        ))}
      </ul>
      {details?.value && tags.length === 0 && (
        <p className="mltrack-Empty-line">{trans.__('No tags yet.')}</p>
      )}
      {chosen.length > MOST_READ && (
        <p className="mltrack-Empty-line">
          {trans.__(
            'Tags of the first %1 runs are listed; changes are made to all.',
            String(MOST_READ)
          )}
        </p>
      )}
      <NewTag runs={runs} onSet={change} onDone={props.onDone} />
    </div>
  );
}

function TagRow(props: { tag: SharedTag; of: number; onRemove: () => void }): JSX.Element {
  const { trans } = useTools();
  const { tag } = props;
  const words = trans.__('Take tag %1 away', displayName(tag.key));
  const shown = tag.values.map(value => (value === '' ? '""' : displayName(value))).join(', ');
  return (
    <li className="mltrack-TagRow">
      <Name text={readableKey(tag.key)} className="mltrack-TagRow-key" />
      <Name text={shown} className="mltrack-TagRow-value" />
      {tag.count < props.of && (
        <span className="mltrack-Check-note">
          {trans.__('%1 of %2', String(tag.count), String(props.of))}
        </span>
      )}
      <button
        type="button"
        className="mltrack-IconButton"
        title={words}
        aria-label={words}
        onClick={props.onRemove}
      >
        <closeIcon.react tag="span" aria-hidden="true" />
      </button>
    </li>
  );
}

function NewTag(props: {
  runs: RunsStore;
  onSet: (key: string, value: string) => Promise<boolean>;
  onDone: () => void;
}): JSX.Element {
  const { trans } = useTools();
  const [key, setKey] = React.useState('');
  const [value, setValue] = React.useState('');
  const known = (props.runs.columns.known?.columns ?? []).filter(one => one.kind === 'tags');
  const list = React.useId();
  return (
    <form
      className="mltrack-NewTag"
      onSubmit={event => {
        event.preventDefault();
        void props.onSet(key.trim(), value).then(done => {
          if (done) {
            setKey('');
            setValue('');
          }
        });
      }}
    >
      <TagInput
        value={key}
        list={list}
        autoFocus
        maxLength={LONGEST_KEY}
        placeholder={trans.__('tag')}
        label={trans.__('Name of a tag')}
        onChange={setKey}
      />
      <datalist id={list}>
        {known.slice(0, MOST_SHOWN).map(one => (
          <option key={one.key} value={one.key} />
        ))}
      </datalist>
      <TagInput
        value={value}
        maxLength={LONGEST_VALUE}
        placeholder={trans.__('value')}
        label={trans.__('Value of the tag')}
        onChange={setValue}
      />
      <button
        type="submit"
        className="mltrack-Button mltrack-mod-small"
        disabled={key.trim() === ''}
      >
        {trans.__('Set')}
      </button>
      <button type="button" className="mltrack-Button mltrack-mod-small" onClick={props.onDone}>
        {trans.__('Done')}
      </button>
    </form>
  );
}

function TagInput(props: {
  value: string;
  list?: string;
  autoFocus?: boolean;
  maxLength: number;
  placeholder: string;
  label: string;
  onChange: (value: string) => void;
}): JSX.Element {
  const { label, onChange, ...rest } = props;
  return (
    <input
      {...rest}
      className="jp-mod-styled mltrack-Input"
      autoComplete="off"
      spellCheck={false}
      aria-label={label}
      onChange={event => onChange(event.currentTarget.value)}
    />
  );
}
