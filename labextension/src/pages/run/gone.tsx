/** What stands above a run that was deleted, is of another workspace, or failed. */
import * as React from 'react';
import { ProblemView } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { useModel } from '../../panel/hooks';
import type { RunPageStore } from '../../store/runPageStore';
import { visible } from '../../text';
import type { Problem } from '../../types';

const LONGEST_ERROR = 2000;

/** The run is deleted, or is not here at all: `problem` says which; none for one that is deleted. */
export function GoneNotice(props: { page: RunPageStore; problem: Problem | null }): JSX.Element {
  const { page, problem } = props;
  const { trans } = useTools();
  const { acts } = page;
  useModel(acts);
  const known = page.run.detail !== null;
  if (problem !== null && !known) {
    const restorable = problem.code === 'not_found' && /restore/i.test(problem.hint);
    return (
      <div className="mltrack-PageNotice">
        <ProblemView problem={problem} />
        {restorable && <RestoreButton page={page} />}
        {acts.problem !== null && <ProblemView problem={acts.problem} />}
      </div>
    );
  }
  return (
    <div className="mltrack-PageNotice" role="alert">
      <p className="mltrack-Notice-line">
        <strong>{trans.__('This run is deleted.')}</strong>{' '}
        {trans.__('It can be restored until somebody cleans the workspace.')}
      </p>
      <RestoreButton page={page} />
      {acts.problem !== null && <ProblemView problem={acts.problem} />}
    </div>
  );
}

function RestoreButton(props: { page: RunPageStore }): JSX.Element {
  const { trans } = useTools();
  const { acts } = props.page;
  return (
    <button
      type="button"
      className="mltrack-Button"
      disabled={acts.busy}
      onClick={() => void acts.restore()}
    >
      {trans.__('Restore')}
    </button>
  );
}

/** The error that ended the run. */
export function ErrorLine(props: { error: string | null }): JSX.Element | null {
  const { error } = props;
  if (error === null || error.trim() === '') {
    return null;
  }
  const lines = error.slice(0, LONGEST_ERROR).split('\n').map(visible);
  return <p className="mltrack-Run-error mltrack-PageError">{lines.join('\n')}</p>;
}
