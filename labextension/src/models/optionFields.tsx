/** The options of a target, drawn from the schema that it gives. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { useTools } from '../panel/context';
import { faultOf } from '../store/optionForm';
import type { Draft, Fault, OptionField } from '../store/optionForm';
import { displayName } from '../text';
import { Fold } from './bits';

/** What holds the fields and what stands in them. */
export interface OptionHolder {
  readonly fields: readonly OptionField[];
  readonly draft: Draft;
  setOption(name: string, value: string): void;
}

export function OptionFields(props: { form: OptionHolder }): JSX.Element | null {
  const { trans } = useTools();
  const { form } = props;
  const { fields } = form;
  const plain = fields.filter(one => !one.advanced);
  const advanced = fields.filter(one => one.advanced);
  const changed = advanced.filter(
    one => (form.draft.get(one.name) ?? one.initial) !== one.initial
  ).length;
  return (
    <>
      {plain.map(one => (
        <Option key={one.name} form={form} field={one} />
      ))}
      {advanced.length > 0 && (
        <Fold
          title={
            changed === 0
              ? trans.__('More options')
              : trans.__('More options (%1 changed)', String(changed))
          }
        >
          {advanced.map(one => (
            <Option key={one.name} form={form} field={one} />
          ))}
        </Fold>
      )}
    </>
  );
}

function faultWords(fault: Fault, field: OptionField, trans: TranslationBundle): string {
  switch (fault) {
    case 'empty':
      return trans.__('It is needed.');
    case 'not-a-number':
      return trans.__('It is no number.');
    case 'not-whole':
      return trans.__('It is no whole number.');
    case 'too-small':
      return trans.__('At least %1.', String(field.minimum));
    case 'too-large':
      return trans.__('At most %1.', String(field.maximum));
  }
}

function Option(props: { form: OptionHolder; field: OptionField }): JSX.Element {
  const { trans } = useTools();
  const { form, field } = props;
  const id = React.useId();
  const value = form.draft.get(field.name) ?? field.initial;
  const fault = faultOf(field, value);
  const help = fault === null ? field.description : faultWords(fault, field, trans);
  const described = help === '' ? undefined : id;
  if (field.kind === 'boolean') {
    return (
      <div className="mltrack-Field" data-option={field.name}>
        <label className="mltrack-Check">
          <input
            type="checkbox"
            checked={value === 'true'}
            aria-describedby={described}
            onChange={event => form.setOption(field.name, String(event.currentTarget.checked))}
          />
          <span>{field.title}</span>
        </label>
        <Help id={id} text={help} fault={false} />
      </div>
    );
  }
  return (
    <label className="mltrack-Field" data-option={field.name}>
      <span>{field.title}</span>
      {field.kind === 'choice' ? (
        <select
          className="jp-mod-styled mltrack-Input"
          value={value}
          aria-describedby={described}
          onChange={event => form.setOption(field.name, event.currentTarget.value)}
        >
          {field.choices.map(one => (
            <option key={one} value={one}>
              {displayName(one)}
            </option>
          ))}
        </select>
      ) : (
        <input
          className="jp-mod-styled mltrack-Input"
          value={value}
          inputMode={
            field.kind === 'integer' ? 'numeric' : field.kind === 'number' ? 'decimal' : 'text'
          }
          placeholder={field.kind === 'list' ? trans.__('a, b, …') : undefined}
          aria-invalid={fault !== null}
          aria-describedby={described}
          spellCheck={false}
          autoComplete="off"
          onChange={event => form.setOption(field.name, event.currentTarget.value)}
        />
      )}
      <Help id={id} text={help} fault={fault !== null} />
    </label>
  );
}

function Help(props: { id: string; text: string; fault: boolean }): JSX.Element | null {
  return props.text === '' ? null : (
    <span className={`mltrack-Field-help ${props.fault ? 'mltrack-mod-fault' : ''}`} id={props.id}>
      {props.text}
    </span>
  );
}
