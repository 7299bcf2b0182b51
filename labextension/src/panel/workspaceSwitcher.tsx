/** The workspace that is shown, and the list of those that are known: choose, add, forget. */
import { caretDownIcon, closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { AzurePicker } from '../account/picker';
import { Popover } from '../runs/popover';
import { addWorkspace, forgetWorkspace } from '../store/workspaceActs';
import { displayName } from '../text';
import type { Problem, WorkspaceInfo } from '../types';
import { Name, ProblemView } from './bits';
import { useTools } from './context';
import { dotState, healthWords } from './health';
import { useModel } from './hooks';

const LONGEST_NAME = 60;
const LONGEST_SPEC = 2000;

export function WorkspaceSwitcher(props: { workspace: WorkspaceInfo }): JSX.Element {
  const { trans } = useTools();
  const { workspace } = props;
  return (
    <Popover
      label={trans.__('Workspace %1', displayName(workspace.name))}
      className="mltrack-Switcher"
      face={
        <>
          <span
            className="mltrack-Dot"
            data-state={dotState(workspace.health)}
            aria-hidden="true"
          />
          <Name text={workspace.name} className="mltrack-Header-name" />
          <caretDownIcon.react tag="span" className="mltrack-Switcher-caret" aria-hidden="true" />
        </>
      }
    >
      {close => <Workspaces close={close} />}
    </Popover>
  );
}

function Workspaces(props: { close: () => void }): JSX.Element {
  const { store, trans } = useTools();
  const [adding, setAdding] = React.useState<'place' | 'azure' | null>(null);
  useModel(store);
  return (
    <>
      <ul className="mltrack-Workspaces">
        {store.workspaces.map(one => (
          <WorkspaceRow key={one.id} workspace={one} close={props.close} />
        ))}
      </ul>
      {adding === 'place' && <AddForm onDone={props.close} onCancel={() => setAdding(null)} />}
      {adding === 'azure' && <AzurePicker onDone={props.close} onCancel={() => setAdding(null)} />}
      {adding === null && (
        <>
          <button type="button" className="mltrack-Button" onClick={() => setAdding('place')}>
            {trans.__('Add workspace …')}
          </button>
          <button type="button" className="mltrack-Button" onClick={() => setAdding('azure')}>
            {trans.__('Add Azure ML workspace …')}
          </button>
        </>
      )}
    </>
  );
}

function WorkspaceRow(props: { workspace: WorkspaceInfo; close: () => void }): JSX.Element {
  const { store, trans, language } = useTools();
  const { workspace, close } = props;
  const chosen = store.workspace?.id === workspace.id;
  const health = healthWords(workspace.health, store.clock.now(), language, trans);
  return (
    <li className="mltrack-WorkspaceRow">
      <button
        type="button"
        className="mltrack-WorkspaceRow-choose"
        aria-current={chosen}
        autoFocus={chosen}
        title={displayName(workspace.uri)}
        onClick={() => {
          store.chooseWorkspace(workspace.id);
          close();
        }}
      >
        <span className="mltrack-Row-line">
          <span
            className="mltrack-Dot"
            data-state={dotState(workspace.health)}
            aria-hidden="true"
          />
          <Name text={workspace.name} />
          <span className="mltrack-Check-note">{health}</span>
        </span>
        <Name text={workspace.uri} className="mltrack-WorkspaceRow-place" />
      </button>
      {!workspace.current && <Forget workspace={workspace} />}
    </li>
  );
}

/** The project's own workspace is always in the list; the others leave it. */
function Forget(props: { workspace: WorkspaceInfo }): JSX.Element {
  const { store, trans, runClient, actions } = useTools();
  const { workspace } = props;
  const abort = useAbort();
  const label = trans.__('Take %1 off the list', displayName(workspace.name));
  const remote = /^(?:https?|azureml):/.test(workspace.uri);
  const undo = (): void => {
    const { uri, name } = workspace;
    void addWorkspace(runClient, store, uri, name, new AbortController().signal);
  };
  const forget = async (): Promise<void> => {
    const failed = await forgetWorkspace(runClient, store, workspace, abort);
    actions().notify(
      failed === null
        ? {
            message: trans.__(
              '%1 is off the list; nothing in it was deleted.',
              displayName(workspace.name)
            ),
            undo: remote ? undo : undefined
          }
        : { message: failed.message, kind: 'error' }
    );
  };
  return (
    <button
      type="button"
      className="mltrack-IconButton"
      title={label}
      aria-label={label}
      onClick={() => void forget()}
    >
      <closeIcon.react tag="span" aria-hidden="true" />
    </button>
  );
}

/** Aborted when the view goes away. */
function useAbort(): AbortSignal {
  const [controller] = React.useState(() => new AbortController());
  React.useEffect(() => () => controller.abort(), [controller]);
  return controller.signal;
}

function AddForm(props: { onDone: () => void; onCancel: () => void }): JSX.Element {
  const { store, trans, runClient } = useTools();
  const [spec, setSpec] = React.useState('');
  const [name, setName] = React.useState('');
  const [busy, setBusy] = React.useState(false);
  const [problem, setProblem] = React.useState<Problem | null>(null);
  const abort = useAbort();
  const add = async (): Promise<void> => {
    setBusy(true);
    const failed = await addWorkspace(runClient, store, spec.trim(), name.trim(), abort);
    if (abort.aborted) {
      return;
    }
    setBusy(false);
    setProblem(failed);
    if (failed === null) {
      props.onDone();
    }
  };
  return (
    <form
      className="mltrack-AddWorkspace"
      aria-label={trans.__('Add a workspace')}
      onSubmit={event => {
        event.preventDefault();
        if (spec.trim() !== '' && !busy) {
          void add();
        }
      }}
    >
      <TextField
        label={trans.__('Address of an MLflow server, or a folder of runs')}
        placeholder="https://mlflow.example.org"
        value={spec}
        maxLength={LONGEST_SPEC}
        autoFocus
        onChange={setSpec}
      />
      <TextField
        label={trans.__('Name in the list (optional)')}
        value={name}
        maxLength={LONGEST_NAME}
        onChange={setName}
      />
      {problem !== null && <ProblemView problem={problem} />}
      <div className="mltrack-Buttons">
        <button type="button" className="mltrack-Button" onClick={props.onCancel}>
          {trans.__('Cancel')}
        </button>
        <button type="submit" className="mltrack-Button" disabled={busy || spec.trim() === ''}>
          {busy ? trans.__('Adding …') : trans.__('Add')}
        </button>
      </div>
    </form>
  );
}

function TextField(props: {
  label: string;
  placeholder?: string;
  value: string;
  maxLength: number;
  autoFocus?: boolean;
  onChange: (value: string) => void;
}): JSX.Element {
  const { label, onChange, ...rest } = props;
  return (
    <label className="mltrack-Field">
      <span>{label}</span>
      <input
        {...rest}
        className="jp-mod-styled mltrack-Input"
        autoComplete="off"
        spellCheck={false}
        onChange={event => onChange(event.currentTarget.value)}
      />
    </label>
  );
}
