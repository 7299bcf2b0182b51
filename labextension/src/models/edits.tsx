/** What can be changed about a model or a version in place: description, tags, aliases, stage. */
import { closeIcon, editIcon, HTMLSelect } from '@jupyterlab/ui-components';
import * as React from 'react';
import { Name, ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { STAGES } from '../store/modelActs';
import type { ModelActs, Stage } from '../store/modelActs';
import { displayName, visible } from '../text';
import type { ModelVersionInfo, Pair, Problem } from '../types';

const LONGEST_DESCRIPTION = 5000;
const LONGEST_KEY = 250;
const LONGEST_VALUE = 5000;

type Act = () => Promise<Problem | null>;

export interface Change {
  readonly busy: boolean;
  readonly problem: Problem | null;
  /** Do it, then tell of it with a way back; true when it was done. */
  readonly run: (act: Act, message: string, undo: Act | null) => Promise<boolean>;
}

/** Changes one after the other; what went wrong with the last one is shown where it was asked. */
export function useChange(): Change {
  const { trans, actions } = useTools();
  const [busy, setBusy] = React.useState(false);
  const [problem, setProblem] = React.useState<Problem | null>(null);
  const takeBack = async (undo: Act): Promise<void> => {
    const failed = await undo();
    const message = failed === null ? trans.__('Taken back.') : failed.message;
    actions().notify({ message, kind: failed === null ? 'success' : 'error' });
  };
  const run = async (act: Act, message: string, undo: Act | null): Promise<boolean> => {
    setBusy(true);
    const failed = await act();
    setBusy(false);
    setProblem(failed);
    if (failed === null) {
      actions().notify({ message, undo: undo === null ? undefined : () => void takeBack(undo) });
    }
    return failed === null;
  };
  return { busy, problem, run };
}

export function DescriptionPart(props: { acts: ModelActs; text: string }): JSX.Element {
  const { acts, text } = props;
  const { trans } = useTools();
  const [draft, setDraft] = React.useState<string | null>(null);
  const { busy, problem, run } = useChange();
  if (draft === null) {
    return (
      <div className="mltrack-Editable">
        {text === '' ? (
          <span className="mltrack-Empty-line">{trans.__('No description.')}</span>
        ) : (
          <p className="mltrack-Description">{text.split('\n').map(visible).join('\n')}</p>
        )}
        <EditButton label={trans.__('Edit the description')} onClick={() => setDraft(text)} />
      </div>
    );
  }
  const save = async (): Promise<void> => {
    const done = await run(
      () => acts.describe(draft),
      trans.__('The description is changed.'),
      () => acts.describe(text)
    );
    if (done) {
      setDraft(null);
    }
  };
  return (
    <EditForm busy={busy} problem={problem} onSave={save} onCancel={() => setDraft(null)}>
      <textarea
        className="jp-mod-styled mltrack-Input"
        rows={4}
        value={draft}
        autoFocus
        maxLength={LONGEST_DESCRIPTION}
        aria-label={trans.__('Description')}
        onChange={event => setDraft(event.currentTarget.value)}
      />
    </EditForm>
  );
}

export function EditButton(props: { label: string; onClick: () => void }): JSX.Element {
  return (
    <button
      type="button"
      className="mltrack-IconButton"
      title={props.label}
      aria-label={props.label}
      onClick={props.onClick}
    >
      <editIcon.react tag="span" aria-hidden="true" />
    </button>
  );
}

/** Fields with Save and Cancel; Escape takes back. */
function EditForm(props: {
  busy: boolean;
  problem: Problem | null;
  onSave: () => Promise<void>;
  onCancel: () => void;
  children: React.ReactNode;
}): JSX.Element {
  const { trans } = useTools();
  return (
    <form
      className="mltrack-EditForm"
      onSubmit={event => {
        event.preventDefault();
        void props.onSave();
      }}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          props.onCancel();
        }
      }}
    >
      {props.children}
      {props.problem !== null && <ProblemView problem={props.problem} />}
      <div className="mltrack-Buttons">
        <button type="button" className="mltrack-Button" onClick={props.onCancel}>
          {trans.__('Cancel')}
        </button>
        <button type="submit" className="mltrack-Button" disabled={props.busy}>
          {trans.__('Save')}
        </button>
      </div>
    </form>
  );
}

/** Whatever has tags. */
export interface TagActs {
  /** @param value null takes the tag away. */
  setTag(key: string, value: string | null): Promise<Problem | null>;
}

export interface TagChange {
  readonly busy: boolean;
  readonly problem: Problem | null;
  /** The tag that is being written; null while none is. */
  readonly draft: Pair | null;
  readonly setDraft: (draft: Pair | null) => void;
  readonly set: (key: string, value: string | null) => Promise<boolean>;
  /** Whether there is a tag of that name. */
  readonly has: (key: string) => boolean;
}

/** Tags set and taken away one after the other, each with a way back. */
export function useTagChange(acts: TagActs, tags: readonly Pair[]): TagChange {
  const { trans } = useTools();
  const [draft, setDraft] = React.useState<Pair | null>(null);
  const { busy, problem, run } = useChange();
  const before = (key: string): string | null => tags.find(one => one.key === key)?.value ?? null;
  const set = (key: string, value: string | null): Promise<boolean> => {
    const old = before(key);
    const name = displayName(key);
    const said =
      value === null ? trans.__('Tag %1 is gone.', name) : trans.__('Tag %1 is set.', name);
    return run(
      () => acts.setTag(key, value),
      said,
      () => acts.setTag(key, old)
    );
  };
  return { busy, problem, draft, setDraft, set, has: key => before(key) !== null };
}

export function TagsPart(props: { acts: TagActs; tags: readonly Pair[] }): JSX.Element {
  const { acts, tags } = props;
  const change = useTagChange(acts, tags);
  return (
    <div className="mltrack-Tags">
      {tags.map(({ key, value }) => (
        <TagChip
          key={key}
          tag={{ key, value }}
          busy={change.busy}
          onEdit={() => change.setDraft({ key, value })}
          onRemove={() => void change.set(key, null)}
        />
      ))}
      <TagForm change={change} />
    </div>
  );
}

/** The tag that is being written, or the button that begins one. */
export function TagForm(props: { change: TagChange }): JSX.Element {
  const { trans } = useTools();
  const { busy, problem, draft, setDraft, set, has } = props.change;
  if (draft === null) {
    return (
      <>
        <button
          type="button"
          className="mltrack-Link"
          onClick={() => setDraft({ key: '', value: '' })}
        >
          {trans.__('Add a tag')}
        </button>
        {problem !== null && <ProblemView problem={problem} />}
      </>
    );
  }
  const key = draft.key.trim();
  return (
    <EditForm
      busy={busy || key === ''}
      problem={problem}
      onCancel={() => setDraft(null)}
      onSave={async () => {
        if (key !== '' && (await set(key, draft.value))) {
          setDraft(null);
        }
      }}
    >
      <TagFields draft={draft} known={has(draft.key)} onChange={setDraft} />
    </EditForm>
  );
}

function TagFields(props: {
  draft: Pair;
  known: boolean;
  onChange: (draft: Pair) => void;
}): JSX.Element {
  const { draft, known, onChange } = props;
  const { trans } = useTools();
  return (
    <div className="mltrack-TagFields">
      <input
        className="jp-mod-styled mltrack-Input"
        value={draft.key}
        placeholder={trans.__('name')}
        aria-label={trans.__('Name of the tag')}
        maxLength={LONGEST_KEY}
        autoFocus={!known}
        spellCheck={false}
        onChange={event => onChange({ ...draft, key: event.currentTarget.value })}
      />
      <input
        className="jp-mod-styled mltrack-Input"
        value={draft.value}
        placeholder={trans.__('value')}
        aria-label={trans.__('Value of the tag')}
        maxLength={LONGEST_VALUE}
        autoFocus={known}
        spellCheck={false}
        onChange={event => onChange({ ...draft, value: event.currentTarget.value })}
      />
    </div>
  );
}

function TagChip(props: {
  tag: Pair;
  busy: boolean;
  onEdit: () => void;
  onRemove: () => void;
}): JSX.Element {
  const { trans } = useTools();
  const { key, value } = props.tag;
  const remove = trans.__('Take tag %1 away', displayName(key));
  return (
    <span className="mltrack-Chip" data-kind="tag" data-tag={displayName(key)}>
      <button
        type="button"
        className="mltrack-Chip-text"
        title={trans.__('Change tag %1', displayName(key))}
        onClick={props.onEdit}
      >
        <Name text={value === '' ? key : `${key}: ${value}`} />
      </button>
      <button
        type="button"
        className="mltrack-Chip-remove"
        title={remove}
        aria-label={remove}
        disabled={props.busy}
        onClick={props.onRemove}
      >
        <closeIcon.react tag="span" aria-hidden="true" />
      </button>
    </span>
  );
}

/** Where a registry goes by stages; moving is taken back by moving. */
export function StagePart(props: { acts: ModelActs; version: ModelVersionInfo }): JSX.Element {
  const { acts, version } = props;
  const { trans } = useTools();
  const { busy, problem, run } = useChange();
  const stage = stageOf(version.stage);
  const move = (to: Stage): void => {
    const said = trans.__('Version %1 is in stage %2.', displayName(version.version), to);
    void run(
      () => acts.setStage(to),
      said,
      () => acts.setStage(stage)
    );
  };
  return (
    <div className="mltrack-Stage">
      <label className="mltrack-Control">
        <span>{trans.__('Stage')}</span>
        <HTMLSelect
          className="mltrack-Select"
          value={stage}
          disabled={busy}
          onChange={event => move(stageOf(event.currentTarget.value))}
        >
          {STAGES.map(one => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </HTMLSelect>
      </label>
      {problem !== null && <ProblemView problem={problem} />}
    </div>
  );
}

function stageOf(text: string | null): Stage {
  return STAGES.find(one => one === text) ?? 'None';
}
