/** Ask an endpoint by a form made from the model's signature, or with JSON; see what it answers. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { Waiting } from '../models/bits';
import { versionWord } from '../models/words';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import { TabList } from '../panel/tabList';
import type { EndpointStore } from '../store/endpointStore';
import { exampleBody, inputFault, inputFields, keyOf, requestBody } from '../store/requestForm';
import type { Fault, InputField } from '../store/requestForm';
import { displayName } from '../text';
import type { EndpointInfo, ModelVersionDetail } from '../types';
import { Answer, Calls } from './answer';
import { formVersion } from './versions';

const MOST_FIELDS = 200;

export function TryIt(props: { endpoint: EndpointInfo; store: EndpointStore }): JSX.Element {
  const { trans } = useTools();
  const { endpoint, store } = props;
  const version = formVersion(endpoint.deployments);
  const resource = version === null ? null : store.detail(endpoint.workspace_id, version);
  useModel(resource);
  if (version === null) {
    return <p className="mltrack-Empty-line">{trans.__('No version is behind it.')}</p>;
  }
  if (resource !== null && resource.value === null && resource.problem === null) {
    return <Waiting trans={trans} />;
  }
  return (
    <>
      <RequestForm
        key={`${version.label} ${version.digest}`}
        label={version.label}
        detail={resource?.value ?? null}
        store={store}
      />
      <Calls store={store} />
    </>
  );
}

interface Draft {
  readonly fields: readonly InputField[];
  /** False when there is no signature to make a form of. */
  readonly hasForm: boolean;
  readonly mode: 'form' | 'json';
  readonly values: ReadonlyMap<string, string>;
  readonly json: string;
  /** True when the form cannot be sent as it is. */
  readonly faulty: boolean;
  /** The request as it would be sent now. */
  readonly body: () => string;
  readonly choose: (mode: 'form' | 'json') => void;
  readonly setValues: (values: ReadonlyMap<string, string>) => void;
  readonly setJson: (json: string) => void;
}

/** What is being written: in the form's fields, or as JSON that was taken over from them. */
function useDraft(detail: ModelVersionDetail | null): Draft {
  const fields = React.useMemo(
    () => inputFields(detail?.signature ?? null, detail?.input_example ?? null),
    [detail]
  );
  const hasForm = fields.length > 0 && fields.length <= MOST_FIELDS;
  const [mode, setMode] = React.useState<'form' | 'json'>(hasForm ? 'form' : 'json');
  const [values, setValues] = React.useState<ReadonlyMap<string, string>>(
    () => new Map(fields.map(one => [keyOf(one), one.initial]))
  );
  const [json, setJson] = React.useState(() => exampleBody(detail?.input_example ?? null));
  const wrong = fields.some(one => inputFault(one, values.get(keyOf(one)) ?? '') !== null);
  const choose = (next: 'form' | 'json'): void => {
    if (next === 'json' && mode === 'form' && !wrong) {
      setJson(requestBody(fields, values));
    }
    setMode(next);
  };
  const faulty = mode === 'form' && wrong;
  const body = (): string => (mode === 'json' ? json : requestBody(fields, values));
  return { fields, hasForm, mode, values, json, faulty, body, choose, setValues, setJson };
}

function RequestForm(props: {
  label: string;
  detail: ModelVersionDetail | null;
  store: EndpointStore;
}): JSX.Element {
  const { trans } = useTools();
  const { detail, store, label } = props;
  const draft = useDraft(detail);
  return (
    <form
      className="mltrack-Form mltrack-Try"
      onSubmit={event => {
        event.preventDefault();
        if (!draft.faulty) {
          void store.predict(draft.body());
        }
      }}
    >
      {draft.hasForm && (
        <TabList
          label={trans.__('How to write the request')}
          tabs={[
            { id: 'form', title: trans.__('Form') },
            { id: 'json', title: 'JSON' }
          ]}
          selected={draft.mode}
          onSelect={draft.choose}
        />
      )}
      {draft.mode === 'form' ? (
        <Fields fields={draft.fields} values={draft.values} onChange={draft.setValues} />
      ) : (
        <JsonBox value={draft.json} onChange={draft.setJson} />
      )}
      <div className="mltrack-Buttons">
        <span className="mltrack-Deploy-said">
          {draft.hasForm
            ? trans.__('Fields of %1', displayName(versionWord(label)))
            : trans.__('%1 has no signature of columns.', displayName(versionWord(label)))}
        </span>
        <button
          type="submit"
          className="mltrack-Button mltrack-mod-primary"
          disabled={store.asking || draft.faulty}
        >
          {store.asking ? trans.__('Asking …') : trans.__('Predict')}
        </button>
      </div>
      <Answer call={store.calls[0] ?? null} />
    </form>
  );
}

function JsonBox(props: { value: string; onChange: (value: string) => void }): JSX.Element {
  const { trans } = useTools();
  return (
    <textarea
      className="jp-mod-styled mltrack-Input mltrack-Json"
      value={props.value}
      rows={8}
      spellCheck={false}
      aria-label={trans.__('Request as JSON')}
      onChange={event => props.onChange(event.currentTarget.value)}
    />
  );
}

function faultWords(fault: Fault, trans: TranslationBundle): string {
  switch (fault) {
    case 'empty':
      return trans.__('It is needed.');
    case 'not-a-number':
      return trans.__('It is no number.');
    case 'not-whole':
      return trans.__('It is no whole number.');
    case 'not-json':
      return trans.__('It is no JSON.');
  }
}

function Fields(props: {
  fields: readonly InputField[];
  values: ReadonlyMap<string, string>;
  onChange: (values: ReadonlyMap<string, string>) => void;
}): JSX.Element {
  const { fields, values } = props;
  return (
    <div className="mltrack-Inputs">
      {fields.map(field => (
        <Field
          key={keyOf(field)}
          field={field}
          value={values.get(keyOf(field)) ?? ''}
          onChange={value => props.onChange(new Map(values).set(keyOf(field), value))}
        />
      ))}
    </div>
  );
}

function Field(props: {
  field: InputField;
  value: string;
  onChange: (value: string) => void;
}): JSX.Element {
  const { trans } = useTools();
  const { field, value, onChange } = props;
  const fault = inputFault(field, value);
  const id = React.useId();
  const empty = field.required ? '' : trans.__('missing');
  const name = displayName(field.name);
  return (
    <label className="mltrack-Input-row" data-input={field.name}>
      <span className="mltrack-Input-name" title={name}>
        <bdi>{name}</bdi>
        <span className="mltrack-Input-type">{displayName(field.type)}</span>
      </span>
      {field.kind === 'boolean' ? (
        <select
          className="jp-mod-styled mltrack-Input"
          value={value}
          aria-invalid={fault !== null}
          onChange={event => onChange(event.currentTarget.value)}
        >
          <option value="">{empty}</option>
          <option value="true">true</option>
          <option value="false">false</option>
        </select>
      ) : (
        <input
          className="jp-mod-styled mltrack-Input"
          value={value}
          placeholder={empty}
          inputMode={
            field.kind === 'whole' ? 'numeric' : field.kind === 'number' ? 'decimal' : 'text'
          }
          aria-invalid={fault !== null}
          aria-describedby={fault === null ? undefined : id}
          spellCheck={false}
          autoComplete="off"
          onChange={event => onChange(event.currentTarget.value)}
        />
      )}
      {fault !== null && (
        <span className="mltrack-Field-help mltrack-mod-fault" id={id}>
          {faultWords(fault, trans)}
        </span>
      )}
    </label>
  );
}
