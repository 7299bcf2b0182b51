/** The runs around a run: the one it is nested in, those nested in it, and those of the same cell. */
import * as React from 'react';
import { formatCount } from '../../format';
import { Name, StatusMark } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { useModel } from '../../panel/hooks';
import type { RunPageStore } from '../../store/runPageStore';
import { displayName } from '../../text';
import type { RunAbout, RunSummary } from '../../types';

/** How many runs are named before the rest is a number. */
const NAMED = 4;

export function Lineage(props: { page: RunPageStore; run: RunSummary }): JSX.Element {
  const { page, run } = props;
  useModel(page.about);
  const about = page.about.value;
  return (
    <div className="mltrack-Lineage">
      <Notebook run={run} about={about} />
      {about?.parent && <Parent parent={about.parent} />}
      {about !== null && about.children.length > 0 && <Children about={about} run={run} />}
      {about !== null && about.attempts.length > 1 && <Attempts about={about} run={run} />}
    </div>
  );
}

/** Where the cell is. */
function Notebook(props: { run: RunSummary; about: RunAbout | null }): JSX.Element | null {
  const { run, about } = props;
  const { trans, actions } = useTools();
  const path = about?.notebook_path || '';
  const shown = path || run.notebook || '';
  const open = path.endsWith('.ipynb') ? actions().openNotebook : null;
  if (shown === '') {
    return null;
  }
  return (
    <span className="mltrack-Lineage-part">
      {trans.__('from')}{' '}
      {open !== null ? (
        <button
          type="button"
          className="mltrack-Link"
          title={trans.__('Open %1 at the cell', displayName(path))}
          onClick={() => open(path, about?.cell_id ?? '')}
        >
          <Name text={shown} />
        </button>
      ) : (
        <Name text={shown} />
      )}
    </span>
  );
}

function RunLink(props: { run: RunSummary; text?: string }): JSX.Element {
  const { run, text } = props;
  const { actions } = useTools();
  return (
    <button
      type="button"
      className="mltrack-Link mltrack-RunRef"
      data-run-id={run.run_id}
      title={displayName(run.name)}
      onClick={() =>
        actions().openPage('run', { workspace: run.workspace_id, runIds: [run.run_id] })
      }
    >
      <StatusMark status={run.status} />
      <Name text={text ?? run.name} />
    </button>
  );
}

function Parent(props: { parent: RunSummary }): JSX.Element {
  const { trans } = useTools();
  return (
    <span className="mltrack-Lineage-part" data-part="parent">
      {trans.__('part of')} <RunLink run={props.parent} />
    </span>
  );
}

/** The first ones by name, and all of them side by side. */
function Children(props: { about: RunAbout; run: RunSummary }): JSX.Element {
  const { trans, actions } = useTools();
  const { children } = props.about;
  const count = Math.max(children.length, props.run.children);
  return (
    <span className="mltrack-Lineage-part" data-part="children">
      {trans._n('%2 run inside', '%2 runs inside', count, formatCount(count))}{' '}
      {children.slice(0, NAMED).map(child => (
        <RunLink key={child.run_id} run={child} />
      ))}
      {children.length > 1 && (
        <button
          type="button"
          className="mltrack-Link"
          onClick={() =>
            actions().openPage('compare', {
              workspace: props.run.workspace_id,
              runIds: children.slice(0, 50).map(child => child.run_id)
            })
          }
        >
          {trans.__('Compare them')}
        </button>
      )}
    </span>
  );
}

/** Executions of the same cell; this one has no link. */
function Attempts(props: { about: RunAbout; run: RunSummary }): JSX.Element {
  const { trans } = useTools();
  const { about, run } = props;
  const at = about.attempts.findIndex(one => one.run_id === run.run_id);
  const former = at < 0 ? undefined : about.attempts[at + 1];
  const from = Math.max(0, Math.min(at - 1, about.attempts.length - NAMED));
  const newest = Math.max(...about.attempts.map(one => one.attempt));
  return (
    <>
      <span className="mltrack-Lineage-part" data-part="attempts">
        {trans.__('attempt')}
        {about.attempts
          .slice(from, from + NAMED)
          .reverse()
          .map(one =>
            one.run_id === run.run_id ? (
              <strong key={one.run_id} className="mltrack-Attempt-own">
                {one.attempt}
              </strong>
            ) : (
              <RunLink key={one.run_id} run={one} text={String(one.attempt)} />
            )
          )}
        {about.attempts.length > NAMED && trans.__('of %1', formatCount(newest))}
      </span>
      {former !== undefined && <Changed former={former} run={run} />}
    </>
  );
}

/** To the attempt before, side by side. */
function Changed(props: { former: RunSummary; run: RunSummary }): JSX.Element {
  const { former, run } = props;
  const { trans, actions } = useTools();
  return (
    <span className="mltrack-Lineage-part" data-part="changed">
      <button
        type="button"
        className="mltrack-Link"
        title={trans.__('Curves, parameters and source beside those of the attempt before')}
        onClick={() =>
          actions().openPage('compare', {
            workspace: run.workspace_id,
            runIds: [former.run_id, run.run_id]
          })
        }
      >
        {trans.__('what changed since attempt %1', former.attempt)}
      </button>
    </span>
  );
}
