/** Two of the compared runs: their sources side by side, and what else is different about them. */
import { HTMLSelect } from '@jupyterlab/ui-components';
import * as React from 'react';
import { Name, ProblemView, Skeleton } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { useModel } from '../../panel/hooks';
import type { CompareStore } from '../../store/compareStore';
import type { Resource } from '../../store/resource';
import { displayName, readableKey } from '../../text';
import type { DiffLine, DiffRow, RunDetail, RunDiff, RunId } from '../../types';
import { lineText } from '../parts/codeText';

const SKELETON_ROW_PX = 24;
const MOST_LINES = 4000;

/** The diff of two runs, asked for when one of them becomes another. */
function useDiff(
  compare: CompareStore,
  left: RunId | undefined,
  right: RunId | undefined
): Resource<RunDiff> | null {
  const [diff, setDiff] = React.useState<Resource<RunDiff> | null>(null);
  React.useEffect(() => {
    if (left === undefined || right === undefined || left === right) {
      setDiff(null);
      return undefined;
    }
    const made = compare.diff(left, right);
    setDiff(made);
    void made.load();
    return () => made.dispose();
  }, [compare, left, right]);
  return diff;
}

export function DiffTab(props: { compare: CompareStore }): JSX.Element {
  const { compare } = props;
  const { trans } = useTools();
  useModel(compare);
  const { runs } = compare;
  const [left, setLeft] = React.useState(runs[0]?.summary.run_id);
  const [right, setRight] = React.useState(runs[1]?.summary.run_id);
  const diff = useDiff(compare, left, right);
  useModel(diff);
  return (
    <div className="mltrack-Scroller">
      <div className="mltrack-Controls">
        <Choice label={trans.__('left')} runs={runs} value={left} onChange={setLeft} />
        <Choice label={trans.__('right')} runs={runs} value={right} onChange={setRight} />
      </div>
      {left === right ? (
        <p className="mltrack-Empty-line">{trans.__('Choose two different runs.')}</p>
      ) : diff?.problem ? (
        <ProblemView problem={diff.problem} />
      ) : diff === null || diff.value === null ? (
        <Skeleton rows={8} rowHeight={SKELETON_ROW_PX} />
      ) : (
        <Diff diff={diff.value} />
      )}
    </div>
  );
}

function Choice(props: {
  label: string;
  runs: readonly RunDetail[];
  value: RunId | undefined;
  onChange: (runId: RunId | undefined) => void;
}): JSX.Element {
  const { label, runs, value, onChange } = props;
  return (
    <label className="mltrack-Control">
      <span>{label}</span>
      <HTMLSelect
        className="mltrack-Select"
        value={value ?? ''}
        aria-label={label}
        onChange={event => {
          const { value: chosen } = event.currentTarget;
          onChange(runs.find(run => run.summary.run_id === chosen)?.summary.run_id);
        }}
      >
        {runs.map(({ summary }) => (
          <option key={summary.run_id} value={summary.run_id}>
            {displayName(summary.name)}
          </option>
        ))}
      </HTMLSelect>
    </label>
  );
}

function Diff(props: { diff: RunDiff }): JSX.Element {
  const { diff } = props;
  const { trans } = useTools();
  const rows = [
    { title: trans.__('Parameters'), rows: diff.params },
    { title: trans.__('Environment'), rows: diff.surroundings },
    { title: trans.__('Packages'), rows: diff.packages },
    { title: trans.__('Tags'), rows: diff.tags }
  ].filter(one => one.rows.length > 0);
  return (
    <>
      <h3 className="mltrack-PageTitle">{trans.__('Source')}</h3>
      {diff.source.length === 0 ? (
        <p className="mltrack-Empty-line">
          {trans.__('Nothing differs in the source, or that of one run was not kept.')}
        </p>
      ) : (
        <SourceDiff diff={diff} />
      )}
      {rows.map(one => (
        <React.Fragment key={one.title}>
          <h3 className="mltrack-PageTitle">{one.title}</h3>
          <DiffRows diff={diff} label={one.title} rows={one.rows} />
        </React.Fragment>
      ))}
    </>
  );
}

/** What is different about a line, for a screen reader and beside the colour. */
function lineMark(line: DiffLine): '' | '−' | '+' | '±' {
  if (line.same) {
    return '';
  }
  return line.right === null ? '−' : line.left === null ? '+' : '±';
}

function SourceDiff(props: { diff: RunDiff }): JSX.Element {
  const { diff } = props;
  const { trans } = useTools();
  return (
    <div className="mltrack-DiffHost" tabIndex={0} role="group" aria-label={trans.__('Source')}>
      <table className="mltrack-Diff">
        <colgroup>
          <col className="mltrack-Diff-gutter" />
          <col />
          <col className="mltrack-Diff-mark" />
          <col className="mltrack-Diff-gutter" />
          <col />
        </colgroup>
        <thead>
          <tr>
            <th colSpan={2} scope="col">
              <Name text={diff.left.name} />
            </th>
            <th scope="col" aria-label={trans.__('difference')} />
            <th colSpan={2} scope="col">
              <Name text={diff.right.name} />
            </th>
          </tr>
        </thead>
        <tbody>
          {diff.source.slice(0, MOST_LINES).map((line, index) => (
            <tr key={index} data-same={line.same}>
              <td className="mltrack-Diff-number">{line.left_number ?? ''}</td>
              <td className="mltrack-Diff-text" data-side={line.left === null ? 'none' : 'left'}>
                {lineText(line.left ?? '')}
              </td>
              <td className="mltrack-Diff-sign">{lineMark(line)}</td>
              <td className="mltrack-Diff-number">{line.right_number ?? ''}</td>
              <td className="mltrack-Diff-text" data-side={line.right === null ? 'none' : 'right'}>
                {lineText(line.right ?? '')}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function DiffRows(props: { diff: RunDiff; label: string; rows: readonly DiffRow[] }): JSX.Element {
  const { diff, label, rows } = props;
  const { trans } = useTools();
  const value = (text: string | null): React.ReactNode =>
    text === null ? <em>{trans.__('not there')}</em> : <bdi>{lineText(text)}</bdi>;
  return (
    <table className="mltrack-Pairs mltrack-mod-two" aria-label={label}>
      <thead>
        <tr>
          <th scope="col">{trans.__('name')}</th>
          <th scope="col">
            <Name text={diff.left.name} />
          </th>
          <th scope="col">
            <Name text={diff.right.name} />
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(row => (
          <tr key={row.key}>
            <th scope="row">
              <Name text={readableKey(row.key)} />
            </th>
            <td>{value(row.left)}</td>
            <td>{value(row.right)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
