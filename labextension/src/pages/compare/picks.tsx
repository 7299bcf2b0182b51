/** The compared runs with their lines, and a check that shows or hides each everywhere. */
import * as React from 'react';
import { formatCount } from '../../format';
import { Name, StatusMark } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { useModel } from '../../panel/hooks';
import type { CompareStore } from '../../store/compareStore';
import { displayName } from '../../text';
import type { RunDetail } from '../../types';
import type { LineStyle } from '../../chart/theme';
import { LineSample, useLineStyles } from '../parts/lineSample';
import { comparedMarkdown } from './markdown';

export function RunPicks(props: { compare: CompareStore }): JSX.Element {
  const { compare } = props;
  const { trans } = useTools();
  const root = React.useRef<HTMLDivElement>(null);
  const styleOf = useLineStyles(root);
  useModel(compare);
  const { runs, shown } = compare;
  const missing = compare.details.value?.missing ?? [];
  const all = runs.map(run => run.summary.run_id);
  return (
    <div className="mltrack-Picks" ref={root}>
      <div className="mltrack-Picks-head">
        <label className="mltrack-Check">
          <input
            type="checkbox"
            checked={shown.length === runs.length}
            ref={node => {
              if (node !== null) {
                node.indeterminate = shown.length > 0 && shown.length < runs.length;
              }
            }}
            onChange={event => compare.show(all, event.currentTarget.checked)}
          />
          <span aria-live="polite">
            {trans.__('%1 of %2 runs', formatCount(shown.length), formatCount(runs.length))}
          </span>
        </label>
        <Copies compare={compare} />
      </div>
      <ul className="mltrack-Picks-list" aria-label={trans.__('Compared runs')}>
        {runs.map(run => (
          <Pick
            key={run.summary.run_id}
            compare={compare}
            run={run}
            style={styleOf(compare.indexOf(run.summary.run_id))}
          />
        ))}
      </ul>
      {missing.length > 0 && (
        <p className="mltrack-Empty-line" role="status">
          {trans._n(
            '%2 run is not there any more, or is of another workspace.',
            '%2 runs are not there any more, or are of another workspace.',
            missing.length,
            formatCount(missing.length)
          )}
        </p>
      )}
    </div>
  );
}

function Pick(props: { compare: CompareStore; run: RunDetail; style: LineStyle }): JSX.Element {
  const { compare, run, style } = props;
  const { store, actions, trans } = useTools();
  useModel(store.live);
  const summary = store.live.newest(run.summary);
  const { run_id: runId, workspace_id: workspace } = summary;
  const name = displayName(summary.name);
  return (
    <li className="mltrack-Pick" data-run-id={runId}>
      <input
        type="checkbox"
        checked={compare.isShown(runId)}
        aria-label={trans.__('Show %1', name)}
        onChange={event => compare.show([runId], event.currentTarget.checked)}
      />
      <LineSample style={style} />
      <StatusMark status={summary.status} />
      <button
        type="button"
        className="mltrack-Link mltrack-Pick-name"
        title={trans.__('Open the page of %1', name)}
        onClick={() => actions().openPage('run', { workspace, runIds: [runId] })}
      >
        <Name text={summary.name} />
      </button>
    </li>
  );
}

function Copies(props: { compare: CompareStore }): JSX.Element {
  const { compare } = props;
  const { trans, actions } = useTools();
  const { workspace, runIds } = compare;
  return (
    <span className="mltrack-Buttons">
      <button
        type="button"
        className="mltrack-Button mltrack-mod-small"
        title={trans.__('Copy what differs as a table of Markdown')}
        onClick={() => actions().copy(comparedMarkdown(compare.shown, trans))}
      >
        {trans.__('Markdown')}
      </button>
      <button
        type="button"
        className="mltrack-Button mltrack-mod-small"
        title={trans.__('Copy a link to this comparison')}
        onClick={() => actions().copy(actions().linkOf('compare', { workspace, runIds }))}
      >
        {trans.__('Link')}
      </button>
    </span>
  );
}
