/** A run in the panel: two lines where it is narrow, one line with columns where it is wide. */
import * as React from 'react';
import { Metric, Name } from '../panel/bits';
import { useTools } from '../panel/context';
import { termOf } from '../store/terms';
import type { ColumnId } from '../store/terms';
import { displayName } from '../text';
import type { MetricValue, RunSummary } from '../types';
import { cellOf, STARTED, TOOK } from './cells';
import type { Now } from './cells';
import { NameParts, RowShell, RunError, SelectCell, StarButton } from './rowParts';
import type { RowProps } from './rowParts';
import { columnWord } from './sortChoice';

export const NARROW_ROW_HEIGHT = 42;
export const WIDE_ROW_HEIGHT = 26;

function gridColumns(count: number): React.CSSProperties {
  return {
    gridTemplateColumns: `18px minmax(120px, 1fr) repeat(${count}, 80px) 24px`
  };
}

export function ColumnHeads(props: { columns: readonly ColumnId[] }): JSX.Element {
  const { trans } = useTools();
  return (
    <div className="mltrack-Heads" style={gridColumns(props.columns.length)} aria-hidden="true">
      <span />
      <span>{trans.__('name')}</span>
      {props.columns.map(column => (
        <Name key={column} text={columnWord(column, trans)} className="mltrack-mod-number" />
      ))}
    </div>
  );
}

export const RunRow = React.memo(function RunRow(
  props: RowProps & { columns: readonly ColumnId[] | null; order: ColumnId | null }
): JSX.Element {
  return props.columns === null ? (
    <NarrowRow {...props} />
  ) : (
    <WideRow {...props} columns={props.columns} />
  );
});

function NarrowRow(props: RowProps & { order: ColumnId | null }): JSX.Element {
  const { language } = useTools();
  const { run } = props;
  const now = { ms: props.nowMs, language };
  const started = cellOf(run, STARTED, now);
  return (
    <RowShell {...props} className="mltrack-mod-narrow" style={{ height: NARROW_ROW_HEIGHT }}>
      <SelectCell {...props} />
      <span role="gridcell" className="mltrack-RunRow-lines">
        <span className="mltrack-Row-line">
          <NameParts {...props} />
          {!props.renaming && <MainValue run={run} order={props.order} />}
        </span>
        <span className="mltrack-Row-line mltrack-mod-second">
          <span title={started.title}>{started.text}</span>
          <RunError run={run} />
          <span className="mltrack-Row-time">{cellOf(run, TOOK, now).text}</span>
        </span>
      </span>
      <span role="gridcell">
        <StarButton {...props} />
      </span>
    </RowShell>
  );
}

/** What the list is sorted by, else the main metric. */
function MainValue(props: { run: RunSummary; order: ColumnId | null }): JSX.Element | null {
  const { run } = props;
  const term = props.order === null ? null : termOf(props.order);
  if (term?.kind === 'params' || term?.kind === 'tags') {
    const pairs = term.kind === 'params' ? run.params : run.tags;
    const found = pairs.find(one => one.key === term.key);
    return found === undefined ? null : (
      <span className="mltrack-Metric">
        <Name text={found.key} className="mltrack-Metric-key" />
        <Name text={found.value} className="mltrack-Metric-value" />
      </span>
    );
  }
  const metric: MetricValue | undefined =
    run.metrics.find(one => term?.kind === 'metrics' && one.key === term.key) ?? run.metrics[0];
  return metric === undefined ? null : <Metric metric={metric} recent={null} />;
}

function WideRow(props: RowProps & { columns: readonly ColumnId[] }): JSX.Element {
  const { language } = useTools();
  const { run, columns } = props;
  const now = { ms: props.nowMs, language };
  return (
    <RowShell
      {...props}
      className="mltrack-mod-wide"
      style={{ height: WIDE_ROW_HEIGHT, ...gridColumns(columns.length) }}
    >
      <SelectCell {...props} />
      <span role="gridcell" className="mltrack-Row-line">
        <NameParts {...props} />
        <RunError run={run} />
      </span>
      {columns.map(column => valueCell({ run, column, now }))}
      <span role="gridcell">
        <StarButton {...props} />
      </span>
    </RowShell>
  );
}

/** The value of a run in a column. No component of its own: a table has hundreds of them. */
export function valueCell(of: {
  run: RunSummary;
  column: ColumnId;
  now: Now;
  style?: React.CSSProperties;
  /** Which column it is, where not all of them are in the page; 0 is the name. */
  position?: number;
}): JSX.Element {
  const cell = cellOf(of.run, of.column, of.now);
  return (
    <span
      key={of.column}
      role="gridcell"
      className={cell.numeric ? 'mltrack-Cell mltrack-mod-number' : 'mltrack-Cell'}
      style={of.style}
      aria-colindex={of.position === undefined ? undefined : of.position + 1}
      title={cell.title === '' ? undefined : displayName(cell.title)}
    >
      {cell.text === '' ? '' : displayName(cell.text)}
    </span>
  );
}
