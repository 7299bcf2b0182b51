/** Registering what the chosen runs logged: one line for each run that has a model. */
import * as React from 'react';
import { Name, ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel } from '../panel/hooks';
import { REGISTER_PART } from '../panel/runParts';
import type { RunsStore } from '../store/runsStore';
import type { RunDetail, RunSummary } from '../types';
import { leaveByEscape, useDetails } from './asked';

export function RegisterAsked(props: {
  runs: RunsStore;
  chosen: readonly RunSummary[];
  onDone: () => void;
}): JSX.Element {
  const { trans, runParts } = useTools();
  const { runs, chosen, onDone } = props;
  useModel(runParts);
  const details = useDetails(runs, chosen);
  const part = runParts.parts.find(one => one.id === REGISTER_PART);
  const found = (details?.value?.runs ?? []).flatMap(run => {
    const content = part?.content(run) ?? null;
    return content === null ? [] : [{ run, content }];
  });
  return (
    <div
      className="mltrack-Asked"
      role="group"
      aria-label={trans.__('Register models of the selected runs')}
      onKeyDown={event => leaveByEscape(event, onDone)}
    >
      {details?.problem && <ProblemView problem={details.problem} />}
      {details?.value && found.length === 0 && (
        <p className="mltrack-Empty-line">
          {trans._n(
            'The selected run logged no model that can be registered.',
            'None of the selected runs logged a model that can be registered.',
            chosen.length
          )}
        </p>
      )}
      {!details?.value && !details?.problem && (
        <p className="mltrack-Empty-line" role="status">
          {trans.__('Loading …')}
        </p>
      )}
      {found.map(({ run, content }) => (
        <One key={run.summary.run_id} run={run} named={chosen.length > 1}>
          {content}
        </One>
      ))}
      <div className="mltrack-Buttons">
        <button type="button" className="mltrack-Button mltrack-mod-small" onClick={onDone}>
          {trans.__('Done')}
        </button>
      </div>
    </div>
  );
}

function One(props: { run: RunDetail; named: boolean; children: React.ReactNode }): JSX.Element {
  return (
    <div className="mltrack-AskedRun">
      {props.named && <Name text={props.run.summary.name} className="mltrack-AskedRun-name" />}
      {props.children}
    </div>
  );
}
