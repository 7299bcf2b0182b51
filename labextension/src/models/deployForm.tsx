/** The deploy form, in place below the version: where to, under which name, what would run. */
import { closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import type { DeployStore } from '../store/deployStore';
import { displayName } from '../text';
import type { DeployPlan, ModelVersionInfo, WorkspaceId } from '../types';
import { Fold } from './bits';
import { ConsentBlock } from './consentBlock';
import { useModelTools } from './context';
import { JobView } from './jobView';
import { OptionFields } from './optionFields';
import { TargetChoice } from './targetChoice';

/** Take a form's store while the form is open: it has one key for all clicks. */
function useDeploy(
  version: ModelVersionInfo,
  workspace: WorkspaceId | undefined
): DeployStore | null {
  const { models, newDeploy } = useModelTools();
  const workspaceId = workspace ?? models.workspaceId;
  const { name, version: number } = version;
  const [form, setForm] = React.useState<DeployStore | null>(null);
  React.useEffect(() => {
    if (workspaceId === null) {
      return undefined;
    }
    const made = newDeploy({ workspace: workspaceId, model: `${name}/${number}` });
    made.open();
    setForm(made);
    return () => made.dispose();
  }, [newDeploy, workspaceId, name, number]);
  return form;
}

export function DeployForm(props: {
  version: ModelVersionInfo;
  /** The one that the section shows, where it is left out. */
  workspace?: WorkspaceId;
  onClose: () => void;
}): JSX.Element | null {
  const { trans } = useTools();
  const { version, onClose } = props;
  const form = useDeploy(version, props.workspace);
  const root = React.useRef<HTMLDivElement>(null);
  useModel(form);
  const { phase } = form ?? { phase: 'form' };
  const loaded = form?.plan.value !== null && form?.targets.value !== null;
  const ended = form?.job?.state;
  React.useEffect(() => {
    root.current?.scrollIntoView({ block: 'nearest' });
  }, [phase, loaded, ended]);
  React.useEffect(() => {
    if (phase === 'job') {
      root.current?.focus({ preventScroll: true }); // The button that had the focus is gone.
    }
  }, [phase]);
  if (form === null) {
    return null;
  }
  const title = trans.__('Deploy %1 v%2', displayName(version.name), displayName(version.version));
  return (
    <div
      className="mltrack-Deploy"
      role="group"
      aria-label={title}
      tabIndex={-1}
      ref={root}
      onKeyDown={event => {
        if (event.key === 'Escape' && form.phase === 'form') {
          event.stopPropagation();
          onClose();
        }
      }}
    >
      <div className="mltrack-Deploy-head">
        <span className="mltrack-Deploy-title">{title}</span>
        <button
          type="button"
          className="mltrack-IconButton"
          title={trans.__('Close')}
          aria-label={trans.__('Close')}
          onClick={onClose}
        >
          <closeIcon.react tag="span" aria-hidden="true" />
        </button>
      </div>
      {form.phase === 'job' && form.job !== null ? (
        <JobView job={form.job} onAgain={() => form.again()} />
      ) : (
        <Choices form={form} onClose={onClose} />
      )}
    </div>
  );
}

function Choices(props: { form: DeployStore; onClose: () => void }): JSX.Element {
  const { trans } = useTools();
  const { form, onClose } = props;
  const plan = form.plan.value;
  const sending = form.phase === 'sending';
  return (
    <form
      className="mltrack-Form"
      onSubmit={event => {
        event.preventDefault();
        void form.deploy();
      }}
    >
      <TargetChoice form={form} />
      <NameField form={form} />
      {plan !== null && plan.existing !== '' && <Share form={form} plan={plan} />}
      <OptionFields form={form} />
      {plan !== null && <ConsentBlock form={form} plan={plan} />}
      {plan !== null && <Remarks plan={plan} />}
      {form.plan.problem !== null && <ProblemView problem={form.plan.problem} />}
      {form.problem !== null && <ProblemView problem={form.problem} />}
      <div className="mltrack-Buttons">
        <span className="mltrack-Deploy-said" role="status">
          {sending && form.lost > 0
            ? trans.__('No answer; asking again …')
            : plan === null && form.plan.problem === null
              ? trans.__('Looking at the model …')
              : ''}
        </span>
        <button type="button" className="mltrack-Button" onClick={onClose}>
          {trans.__('Cancel')}
        </button>
        <button
          type="submit"
          className="mltrack-Button mltrack-mod-primary"
          disabled={!form.ready}
          title={
            plan?.needs_consent === true && !form.trusted
              ? trans.__('Say that you trust the model first.')
              : undefined
          }
        >
          {sending ? trans.__('Deploying …') : trans.__('Deploy')}
        </button>
      </div>
    </form>
  );
}

function NameField(props: { form: DeployStore }): JSX.Element {
  const { trans } = useTools();
  const { form } = props;
  const existing = form.plan.value?.existing ?? '';
  const id = React.useId();
  return (
    <label className="mltrack-Field">
      <span>{trans.__('Name')}</span>
      <input
        className="jp-mod-styled mltrack-Input mltrack-Deploy-name"
        value={form.name ?? form.plan.value?.name ?? ''}
        placeholder={trans.__('name of the endpoint')}
        maxLength={63}
        spellCheck={false}
        autoComplete="off"
        aria-describedby={existing === '' ? undefined : id}
        onChange={event => form.setName(event.currentTarget.value)}
      />
      {existing !== '' && (
        <span className="mltrack-Field-help" id={id}>
          {trans.__('It serves %1 now.', displayName(existing))}
        </span>
      )}
    </label>
  );
}

/** What a further version of an endpoint gets of its requests. */
function Share(props: { form: DeployStore; plan: DeployPlan }): JSX.Element {
  const { trans } = useTools();
  const { form } = props;
  return (
    <div className="mltrack-Field">
      <label className="mltrack-Slider">
        <span>{trans.__('Traffic')}</span>
        <input
          type="range"
          min={0}
          max={100}
          step={1}
          value={form.trafficPercent}
          disabled={form.shadow}
          onChange={event => form.setTraffic(Number(event.currentTarget.value))}
        />
        <output>{form.shadow ? 0 : form.trafficPercent} %</output>
      </label>
      <label className="mltrack-Check">
        <input
          type="checkbox"
          checked={form.shadow}
          onChange={event => form.setShadow(event.currentTarget.checked)}
        />
        <span>{trans.__('Shadow: it gets copies of requests, its answers are only kept')}</span>
      </label>
    </div>
  );
}

/** What a person should know before the deploy. */
function Remarks(props: { plan: DeployPlan }): JSX.Element | null {
  const { trans } = useTools();
  const { hints, unmet } = props.plan;
  if (hints.length === 0 && unmet.length === 0) {
    return null;
  }
  return (
    <div className="mltrack-Remarks">
      {hints.map(hint => (
        <p key={hint} className="mltrack-Remark">
          {displayName(hint)}
        </p>
      ))}
      {unmet.length > 0 && (
        <Fold
          title={trans._n(
            '%2 requirement is not met',
            '%2 requirements are not met',
            unmet.length,
            String(unmet.length)
          )}
        >
          <ul className="mltrack-PlainList">
            {unmet.map(one => (
              <li key={one}>{displayName(one)}</li>
            ))}
          </ul>
        </Fold>
      )}
    </div>
  );
}
