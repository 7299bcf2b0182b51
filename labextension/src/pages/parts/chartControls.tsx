/** How charts are drawn: horizontal axis, logarithm, smoothing. */
import { HTMLSelect } from '@jupyterlab/ui-components';
import * as React from 'react';
import { useTools } from '../../panel/context';

export interface AxisChoice {
  readonly id: string;
  readonly title: string;
}

export function ChartControls(props: {
  axes: readonly AxisChoice[];
  axis: string;
  onAxis: (id: string) => void;
  logY: boolean;
  onLogY: (logY: boolean) => void;
  smoothing: number;
  onSmoothing: (smoothing: number) => void;
  children?: React.ReactNode;
}): JSX.Element {
  const { trans } = useTools();
  return (
    <div className="mltrack-Controls" role="group" aria-label={trans.__('Charts')}>
      {props.children}
      <label className="mltrack-Control">
        <span>x</span>
        <HTMLSelect
          className="mltrack-Select"
          value={props.axis}
          aria-label={trans.__('Horizontal axis')}
          onChange={event => props.onAxis(event.currentTarget.value)}
        >
          {props.axes.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
        </HTMLSelect>
      </label>
      <label className="mltrack-Control" title={trans.__('Logarithmic vertical axis')}>
        <input
          type="checkbox"
          checked={props.logY}
          onChange={event => props.onLogY(event.currentTarget.checked)}
        />
        <span>{trans.__('log y')}</span>
      </label>
      <label className="mltrack-Control mltrack-mod-slide" title={trans.__('Smoothing')}>
        <span>{trans.__('smooth')}</span>
        <input
          type="range"
          min={0}
          max={0.99}
          step={0.01}
          value={props.smoothing}
          aria-label={trans.__('Smoothing')}
          onChange={event => props.onSmoothing(Number(event.currentTarget.value))}
        />
      </label>
    </div>
  );
}
