/** What would run, said before it does; only for models that were neither made nor agreed to here. */
import * as React from 'react';
import { formatBytes, formatCount } from '../format';
import { useTools } from '../panel/context';
import type { DeployStore } from '../store/deployStore';
import { displayName } from '../text';
import type { DeployPlan } from '../types';
import { Fold, Lines } from './bits';

const DIGEST_SHOWN = 12;

export function ConsentBlock(props: { form: DeployStore; plan: DeployPlan }): JSX.Element | null {
  const { trans } = useTools();
  const { form, plan } = props;
  if (!plan.needs_consent) {
    return null;
  }
  return (
    <div className="mltrack-Consent" role="group" aria-label={trans.__('What would run')}>
      <p>{displayName(plan.reason)}</p>
      <Maker plan={plan} />
      {plan.code_files.length > 0 && (
        <Fold title={trans.__('Files that run (%1)', formatCount(plan.code_files.length))} open>
          <Lines lines={plan.code_files} label={trans.__('Files that run')} />
        </Fold>
      )}
      {plan.requirements.length > 0 && (
        <Fold title={trans.__('Requirements (%1)', formatCount(plan.requirements.length))}>
          <Lines lines={plan.requirements} label={trans.__('Requirements')} />
        </Fold>
      )}
      <label className="mltrack-Check">
        <input
          type="checkbox"
          checked={form.trusted}
          onChange={event => form.setTrusted(event.currentTarget.checked)}
        />
        <span>{trans.__('I trust it')}</span>
      </label>
    </div>
  );
}

/** `sklearn · by ada · 12 May 2026, 14:02 · 1.2 MB · sha256 3f2a…` */
function Maker(props: { plan: DeployPlan }): JSX.Element {
  const { trans, language } = useTools();
  const { plan } = props;
  const made = [
    plan.flavors.join(', '),
    plan.run_name === null ? '' : trans.__('from %1', plan.run_name),
    plan.made_by === '' ? '' : trans.__('by %1', plan.made_by),
    plan.made_ms === null
      ? ''
      : new Date(plan.made_ms).toLocaleString(language, {
          dateStyle: 'medium',
          timeStyle: 'short'
        }),
    formatBytes(plan.size_bytes)
  ].filter(one => one !== '');
  return (
    <>
      <p className="mltrack-Field-help">{made.map(displayName).join(' · ')}</p>
      <p className="mltrack-Field-help" title={displayName(plan.digest)}>
        sha256 <code>{displayName(plan.digest.slice(0, DIGEST_SHOWN))}…</code>
      </p>
    </>
  );
}
