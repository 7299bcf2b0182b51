/** Runs as points over two of their values. */
import { HTMLSelect } from '@jupyterlab/ui-components';
import * as React from 'react';
import { useTools } from '../../panel/context';
import { useModel } from '../../panel/hooks';
import type { CompareStore } from '../../store/compareStore';
import { displayName, readableKey } from '../../text';
import { firstAxes, makeDimension } from './dimension';
import { ScatterPlot } from './scatterPlot';
import { drawable, rowId, valueRows } from './values';
import type { ValueRow } from './values';

export function ScatterTab(props: { compare: CompareStore }): JSX.Element {
  const { compare } = props;
  const { trans } = useTools();
  useModel(compare);
  const { shown } = compare;
  const rows = drawable(valueRows(shown));
  const [x, setX] = React.useState('');
  const [y, setY] = React.useState('');
  const [logX, setLogX] = React.useState<boolean | null>(null);
  const [logY, setLogY] = React.useState<boolean | null>(null);
  const first = firstAxes(rows);
  const rowX = rows.find(row => rowId(row) === x) ?? first[0];
  const rowY = rows.find(row => rowId(row) === y) ?? first[first.length - 1];
  if (rowX === undefined || rowY === undefined) {
    return (
      <p className="mltrack-Empty-line">
        {shown.length < 2 ? trans.__('Check two runs or more.') : trans.__('Nothing differs.')}
      </p>
    );
  }
  const across = makeDimension(rowX, logX);
  const up = makeDimension(rowY, logY);
  return (
    <div className="mltrack-Scroller">
      <div className="mltrack-Controls">
        <AxisSelect label="x" rows={rows} row={rowX} onChange={setX} />
        <LogCheck label={trans.__('log x')} dimension={across} onChange={setLogX} />
        <AxisSelect label="y" rows={rows} row={rowY} onChange={setY} />
        <LogCheck label={trans.__('log y')} dimension={up} onChange={setLogY} />
      </div>
      <ScatterPlot compare={compare} runs={shown} across={across} up={up} />
    </div>
  );
}

function AxisSelect(props: {
  label: string;
  rows: readonly ValueRow[];
  row: ValueRow;
  onChange: (id: string) => void;
}): JSX.Element {
  const { trans } = useTools();
  const { label } = props;
  return (
    <label className="mltrack-Control">
      <span>{label}</span>
      <HTMLSelect
        className="mltrack-Select"
        value={rowId(props.row)}
        aria-label={trans.__('%1 axis', label)}
        onChange={event => props.onChange(event.currentTarget.value)}
      >
        {props.rows.map(row => (
          <option key={rowId(row)} value={rowId(row)}>
            {displayName(readableKey(row.key))}
          </option>
        ))}
      </HTMLSelect>
    </label>
  );
}

function LogCheck(props: {
  label: string;
  dimension: { readonly log: boolean; readonly canLog: boolean };
  onChange: (log: boolean) => void;
}): JSX.Element {
  const { label, dimension } = props;
  return (
    <label className="mltrack-Control">
      <input
        type="checkbox"
        checked={dimension.log}
        disabled={!dimension.canLog}
        onChange={event => props.onChange(event.currentTarget.checked)}
      />
      <span>{label}</span>
    </label>
  );
}
