/** Where to: what can be used here, and of the rest why it cannot. */
import * as React from 'react';
import { ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import type { DeployStore } from '../store/deployStore';
import { displayName } from '../text';

export function TargetChoice(props: { form: DeployStore }): JSX.Element {
  const { trans } = useTools();
  const { form } = props;
  const group = React.useId();
  const targets = form.targets.value;
  if (targets === null) {
    return form.targets.problem === null ? (
      <p className="mltrack-Empty-line" role="status">
        {trans.__('Looking for places to deploy to …')}
      </p>
    ) : (
      <ProblemView problem={form.targets.problem} />
    );
  }
  return (
    <fieldset className="mltrack-Targets">
      <legend>{trans.__('Target')}</legend>
      {targets.map(one => (
        <label
          key={one.name}
          className="mltrack-Check"
          data-available={one.available}
          title={displayName(one.available ? one.help : one.why_not)}
        >
          <input
            type="radio"
            name={group}
            value={one.name}
            checked={one.name === form.target}
            disabled={!one.available}
            onChange={() => form.chooseTarget(one.name)}
          />
          <span>
            {displayName(one.title)}
            {!one.available && (
              <span className="mltrack-Targets-why"> {displayName(one.why_not)}</span>
            )}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
