/** In an opened run that logged a model: make it the next version of a registered one. */
import * as React from 'react';
import { ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import { displayName } from '../text';
import type { ModelVersionInfo, Problem, RunDetail } from '../types';
import { useModelTools } from './context';

export function RegisterPart(props: { run: RunDetail }): JSX.Element {
  const { trans } = useTools();
  const { run } = props;
  const { openModels } = useModelTools();
  const [open, setOpen] = React.useState(false);
  const [made, setMade] = React.useState<ModelVersionInfo | null>(null);
  if (open) {
    return (
      <RegisterForm
        run={run}
        onClose={version => {
          setOpen(false);
          setMade(version ?? made);
        }}
      />
    );
  }
  return (
    <div className="mltrack-Register">
      <button type="button" className="mltrack-Button" onClick={() => setOpen(true)}>
        {trans.__('Register model …')}
      </button>
      {made !== null && (
        <span role="status">
          {trans.__('It is version %1 of', displayName(made.version))}{' '}
          <button type="button" className="mltrack-Link" onClick={openModels}>
            {displayName(made.name)}
          </button>
        </span>
      )}
    </div>
  );
}

/** The name a model was logged under, unless it says nothing. */
function nameOf(logged: readonly string[]): string {
  const [first = ''] = logged;
  return first === 'model' || /[/:@]/.test(first) ? '' : first;
}

/** Bring a form into sight when it opens; the list measures what it holds first. */
function useRevealed(): React.RefObject<HTMLFormElement> {
  const root = React.useRef<HTMLFormElement>(null);
  React.useEffect(() => {
    const timer = setTimeout(() => root.current?.scrollIntoView({ block: 'nearest' }), 100);
    return () => clearTimeout(timer);
  }, []);
  return root;
}

function RegisterForm(props: {
  run: RunDetail;
  onClose: (made: ModelVersionInfo | null) => void;
}): JSX.Element {
  const { trans } = useTools();
  const { models } = useModelTools();
  useModel(models);
  const { summary, models: logged } = props.run;
  const [name, setName] = React.useState(models.models[0]?.name ?? nameOf(logged));
  const [path, setPath] = React.useState(logged[0] ?? '');
  const [busy, setBusy] = React.useState(false);
  const [problem, setProblem] = React.useState<Problem | null>(null);
  const root = useRevealed();
  const submit = async (): Promise<void> => {
    setBusy(true);
    const chosen = logged.length > 1 ? path : null;
    const made = await models.register(summary.workspace_id, summary.run_id, name, chosen);
    setBusy(false);
    if ('code' in made) {
      setProblem(made);
    } else {
      props.onClose(made);
    }
  };
  return (
    <form
      className="mltrack-Register mltrack-Form"
      aria-label={trans.__('Register a model of this run')}
      ref={root}
      onSubmit={event => {
        event.preventDefault();
        if (name.trim() !== '' && !busy) {
          void submit();
        }
      }}
    >
      {logged.length > 1 && <PathField logged={logged} value={path} onChange={setPath} />}
      <NameField value={name} onChange={setName} />
      {name.trim() !== '' && <Outcome name={name} />}
      {problem !== null && <ProblemView problem={problem} />}
      <div className="mltrack-Buttons">
        <button type="button" className="mltrack-Button" onClick={() => props.onClose(null)}>
          {trans.__('Cancel')}
        </button>
        <button
          type="submit"
          className="mltrack-Button mltrack-mod-primary"
          disabled={name.trim() === '' || busy}
        >
          {busy ? trans.__('Registering …') : trans.__('Register')}
        </button>
      </div>
    </form>
  );
}

/** Whether the name is a new one, or which version would follow. */
function Outcome(props: { name: string }): JSX.Element {
  const { trans } = useTools();
  const { models } = useModelTools();
  const known = models.models.find(one => one.name === props.name);
  return (
    <p className="mltrack-Field-help">
      {known === undefined
        ? trans.__('A new model.')
        : trans.__('Becomes the next version after v%1.', known.versions[0]?.version ?? '0')}
    </p>
  );
}

function PathField(props: {
  logged: readonly string[];
  value: string;
  onChange: (value: string) => void;
}): JSX.Element {
  const { trans } = useTools();
  return (
    <label className="mltrack-Field">
      <span>{trans.__('Model of the run')}</span>
      <select
        className="jp-mod-styled mltrack-Input"
        value={props.value}
        onChange={event => props.onChange(event.currentTarget.value)}
      >
        {props.logged.map(one => (
          <option key={one} value={one}>
            {displayName(one)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The name of the registered model; those there are can be chosen. */
function NameField(props: { value: string; onChange: (value: string) => void }): JSX.Element {
  const { trans } = useTools();
  const { models } = useModelTools();
  const id = React.useId();
  return (
    <>
      <label className="mltrack-Field">
        <span>{trans.__('Name')}</span>
        <input
          className="jp-mod-styled mltrack-Input"
          value={props.value}
          list={id}
          autoFocus
          autoComplete="off"
          spellCheck={false}
          onChange={event => props.onChange(event.currentTarget.value)}
        />
      </label>
      <datalist id={id}>
        {models.models.map(one => (
          <option key={one.name} value={one.name} />
        ))}
      </datalist>
    </>
  );
}
