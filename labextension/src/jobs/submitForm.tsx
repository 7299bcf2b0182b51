/** The form for a script or notebook: which, with what arguments, where, and which files would go along. */
import { closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { formatBytes } from '../format';
import { OptionFields } from '../models/optionFields';
import { ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import { HERE } from '../store/submitStore';
import type { SubmitStore } from '../store/submitStore';
import { displayName } from '../text';
import type { SubmittedJob, WorkspaceId } from '../types';
import { useJobTools } from './context';
import { Files } from './openedJob';
import type { NotebookOrder } from './parameters';

function useSubmit(workspace: WorkspaceId, notebook: NotebookOrder | null): SubmitStore | null {
  const { newSubmit } = useJobTools();
  const [form, setForm] = React.useState<SubmitStore | null>(null);
  React.useEffect(() => {
    const made = newSubmit(workspace, notebook);
    made.open();
    setForm(made);
    return () => made.dispose();
  }, [newSubmit, workspace, notebook]);
  return form;
}

export function SubmitForm(props: {
  workspace: WorkspaceId;
  notebook: NotebookOrder | null;
  onClose: () => void;
  onSubmitted: (job: SubmittedJob) => void;
}): JSX.Element | null {
  const { trans } = useTools();
  const { onClose, onSubmitted } = props;
  const form = useSubmit(props.workspace, props.notebook);
  const root = React.useRef<HTMLFormElement>(null);
  useModel(form);
  const loaded = (form?.backends.value ?? null) !== null;
  const backend = form?.backend;
  React.useEffect(() => {
    root.current?.scrollIntoView({ block: 'nearest' });
  }, [loaded, backend]);
  if (form === null) {
    return null;
  }
  const title = form.isNotebook
    ? trans.__('Run a notebook')
    : trans.__('Submit a script or notebook');
  const go = form.isNotebook ? trans.__('Run') : trans.__('Submit');
  return (
    <form
      className="mltrack-Deploy mltrack-Form mltrack-Submit"
      aria-label={title}
      ref={root}
      onSubmit={event => {
        event.preventDefault();
        void form.submit().then(job => {
          if (job !== null) {
            onSubmitted(job);
          }
        });
      }}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          onClose();
        }
      }}
    >
      <Head title={title} onClose={onClose} />
      <Script form={form} />
      <Where form={form} />
      {!form.isNotebook && <OptionFields form={form} />}
      {form.wantsTarget && <Plan form={form} />}
      {form.problem !== null && <ProblemView problem={form.problem} />}
      <div className="mltrack-Buttons">
        <button type="button" className="mltrack-Button" onClick={onClose}>
          {trans.__('Cancel')}
        </button>
        <button type="submit" className="mltrack-Button mltrack-mod-primary" disabled={!form.ready}>
          {form.sending ? trans.__('Submitting …') : go}
        </button>
      </div>
    </form>
  );
}

function Head(props: { title: string; onClose: () => void }): JSX.Element {
  const { trans } = useTools();
  return (
    <div className="mltrack-Deploy-head">
      <span className="mltrack-Deploy-title">{props.title}</span>
      <button
        type="button"
        className="mltrack-IconButton"
        title={trans.__('Close')}
        aria-label={trans.__('Close')}
        onClick={props.onClose}
      >
        <closeIcon.react tag="span" aria-hidden="true" />
      </button>
    </div>
  );
}

/** Which script, and what it is told. */
function Script(props: { form: SubmitStore }): JSX.Element {
  const { trans } = useTools();
  const { form } = props;
  return (
    <>
      <TextField
        label={trans.__('Script or notebook')}
        value={form.file}
        placeholder={trans.__('folder/train.py')}
        help={trans.__('Its path below the folder that JupyterLab shows.')}
        autoFocus={form.parameters.length === 0}
        onChange={value => form.setFile(value)}
      />
      {form.isNotebook ? <Parameters form={form} /> : <Arguments form={form} />}
    </>
  );
}

function Arguments(props: { form: SubmitStore }): JSX.Element {
  const { trans } = useTools();
  const { form } = props;
  return (
    <TextField
      label={form.isNotebook ? trans.__('Parameters') : trans.__('Arguments')}
      value={form.args}
      placeholder={form.isNotebook ? '-p lr=0.01' : '--lr 0.01'}
      help={
        form.isNotebook
          ? trans.__('They replace values of the cell that is tagged “parameters”.')
          : undefined
      }
      onChange={value => form.setArguments(value)}
    />
  );
}

/** One field for each parameter that the notebook names; any words where it names none. */
function Parameters(props: { form: SubmitStore }): JSX.Element {
  const { trans } = useTools();
  const { form } = props;
  if (form.parameters.length === 0) {
    return <Arguments form={form} />;
  }
  return (
    <fieldset className="mltrack-Parameters">
      <legend>{trans.__('Parameters')}</legend>
      {form.parameters.map((parameter, index) => (
        <TextField
          key={parameter.name}
          label={parameter.name}
          value={form.values.get(parameter.name) ?? ''}
          placeholder={displayName(parameter.value)}
          autoFocus={index === 0}
          onChange={value => form.setParameter(parameter, value)}
        />
      ))}
    </fieldset>
  );
}

function Where(props: { form: SubmitStore }): JSX.Element {
  const { trans } = useTools();
  const { form } = props;
  const { isNotebook } = form;
  const known = (form.backends.value ?? []).filter(({ name }) => !isNotebook || name === HERE);
  const help = form.chosen === null ? '' : form.chosen.why_not || form.chosen.help;
  const id = React.useId();
  return (
    <>
      {form.backends.problem !== null && <ProblemView problem={form.backends.problem} />}
      <label className="mltrack-Field">
        <span>{trans.__('Where')}</span>
        <select
          className="jp-mod-styled mltrack-Input"
          value={form.backend}
          aria-describedby={id}
          onChange={event => form.chooseBackend(event.currentTarget.value)}
        >
          {known.map(one => (
            <option key={one.name} value={one.name}>
              {displayName(one.title)}
            </option>
          ))}
        </select>
        <span className="mltrack-Field-help" id={id}>
          {displayName(help)}
        </span>
      </label>
      {form.wantsTarget && (
        <TextField
          label={trans.__('Compute')}
          value={form.target}
          placeholder="cpu-cluster"
          onChange={value => form.setTarget(value)}
        />
      )}
    </>
  );
}

function Plan(props: { form: SubmitStore }): JSX.Element | null {
  const { trans } = useTools();
  const { form } = props;
  const { value, problem, loading } = form.plan;
  if (problem !== null) {
    return <ProblemView problem={problem} />;
  }
  if (value === null) {
    return loading ? (
      <p className="mltrack-Empty-line" role="status">
        {trans.__('Looking at the files …')}
      </p>
    ) : null;
  }
  return (
    <div className="mltrack-Field">
      <span>{trans.__('Files that go along')}</span>
      <Files snapshot={value} />
      {form.isLarge && (
        <label className="mltrack-Check">
          <input
            type="checkbox"
            checked={form.large}
            onChange={event => form.setLarge(event.currentTarget.checked)}
          />
          <span>{trans.__('Send %1', formatBytes(value.size_bytes))}</span>
        </label>
      )}
    </div>
  );
}

function TextField(props: {
  label: string;
  value: string;
  placeholder: string;
  help?: string;
  autoFocus?: boolean;
  onChange: (value: string) => void;
}): JSX.Element {
  const id = React.useId();
  const { help = '' } = props;
  return (
    <label className="mltrack-Field">
      <span>{props.label}</span>
      <input
        className="jp-mod-styled mltrack-Input"
        value={props.value}
        placeholder={props.placeholder}
        autoFocus={props.autoFocus}
        spellCheck={false}
        autoComplete="off"
        aria-describedby={help === '' ? undefined : id}
        onChange={event => props.onChange(event.currentTarget.value)}
      />
      {help !== '' && (
        <span className="mltrack-Field-help" id={id}>
          {help}
        </span>
      )}
    </label>
  );
}
