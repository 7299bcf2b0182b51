/** Parallel coordinates: one axis for each parameter and metric, one line for each run. */
import { HTMLSelect } from '@jupyterlab/ui-components';
import * as React from 'react';
import { formatCount } from '../../format';
import { useTools } from '../../panel/context';
import { useModel } from '../../panel/hooks';
import type { CompareStore } from '../../store/compareStore';
import { displayName, readableKey } from '../../text';
import { firstAxes, makeDimension } from './dimension';
import type { Dimension } from './dimension';
import type { Brushes } from './parallelPlace';
import { ParallelPlot } from './parallelPlot';
import { drawable, rowId, valueRows } from './values';
import type { ValueRow } from './values';

export function ParallelTab(props: { compare: CompareStore }): JSX.Element {
  const { compare } = props;
  const { trans } = useTools();
  useModel(compare);
  const { shown } = compare;
  const rows = drawable(valueRows(shown));
  const [chosen, setChosen] = React.useState<readonly string[] | null>(null);
  const [logs, setLogs] = React.useState<ReadonlyMap<string, boolean>>(new Map());
  const [brushes, setBrushes] = React.useState<Brushes>(new Map());
  const [colour, setColour] = React.useState('');
  if (rows.length === 0) {
    return (
      <p className="mltrack-Empty-line">
        {shown.length < 2 ? trans.__('Check two runs or more.') : trans.__('Nothing differs.')}
      </p>
    );
  }
  const axes = chosen === null ? firstAxes(rows) : rows.filter(row => chosen.includes(rowId(row)));
  const dimensions = axes.map(row => makeDimension(row, logs.get(rowId(row)) ?? null));
  const coloured = colourOf(rows, axes, colour);
  const within = insideOf(dimensions, brushes, shown.length);
  return (
    <div className="mltrack-Scroller">
      <div className="mltrack-Controls">
        <AxisChoice rows={rows} axes={axes} onChange={setChosen} />
        <ColourChoice rows={rows} value={coloured?.id ?? ''} onChange={setColour} />
        <Within
          compare={compare}
          within={within}
          brushed={brushes.size > 0}
          onClear={() => setBrushes(new Map())}
        />
      </div>
      <ParallelPlot
        runs={shown}
        dimensions={dimensions}
        colour={coloured}
        brushes={brushes}
        within={within}
        onBrush={(id, range) => setBrushes(withBrush(brushes, id, range))}
        onLog={(id, log) => setLogs(new Map(logs).set(id, log))}
      />
    </div>
  );
}

function withBrush(brushes: Brushes, id: string, range: readonly [number, number] | null): Brushes {
  const next = new Map(brushes);
  if (range === null) {
    next.delete(id);
  } else {
    next.set(id, range);
  }
  return next;
}

/** For each run whether it is within all brushes; one without a value is not within a brush. */
function insideOf(dimensions: readonly Dimension[], brushes: Brushes, count: number): boolean[] {
  return Array.from({ length: count }, (_, index) =>
    dimensions.every(({ id, places }) => {
      const brush = brushes.get(id);
      const place = places[index] ?? null;
      return brush === undefined || (place !== null && place >= brush[0] && place <= brush[1]);
    })
  );
}

/** What lines are coloured by: what was chosen, else the last axis. */
function colourOf(
  rows: readonly ValueRow[],
  axes: readonly ValueRow[],
  chosen: string
): Dimension | null {
  const row = rows.find(one => rowId(one) === chosen) ?? axes[axes.length - 1];
  return row === undefined ? null : makeDimension(row, null);
}

function AxisChoice(props: {
  rows: readonly ValueRow[];
  axes: readonly ValueRow[];
  onChange: (ids: readonly string[]) => void;
}): JSX.Element {
  const { rows, axes, onChange } = props;
  const { trans } = useTools();
  const ids = axes.map(rowId);
  return (
    <details className="mltrack-Choose">
      <summary>{trans.__('Axes (%1 of %2)', axes.length, rows.length)}</summary>
      <ul className="mltrack-Choose-list" aria-label={trans.__('Axes')}>
        {rows.map(row => {
          const id = rowId(row);
          return (
            <li key={id}>
              <label className="mltrack-Check">
                <input
                  type="checkbox"
                  checked={ids.includes(id)}
                  onChange={event =>
                    onChange(
                      event.currentTarget.checked ? [...ids, id] : ids.filter(one => one !== id)
                    )
                  }
                />
                <span>{displayName(readableKey(row.key))}</span>
              </label>
            </li>
          );
        })}
      </ul>
    </details>
  );
}

function ColourChoice(props: {
  rows: readonly ValueRow[];
  value: string;
  onChange: (id: string) => void;
}): JSX.Element {
  const { trans } = useTools();
  return (
    <label className="mltrack-Control">
      <span>{trans.__('colour by')}</span>
      <HTMLSelect
        className="mltrack-Select"
        value={props.value}
        aria-label={trans.__('Colour by')}
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

/** How many runs are within the brushes, and what can be done with them. */
function Within(props: {
  compare: CompareStore;
  within: readonly boolean[];
  brushed: boolean;
  onClear: () => void;
}): JSX.Element {
  const { compare, within, brushed, onClear } = props;
  const { trans } = useTools();
  const { shown } = compare;
  const inside = within.filter(Boolean).length;
  const others = shown.filter((_, index) => !within[index]).map(run => run.summary.run_id);
  return (
    <span className="mltrack-Within">
      <span aria-live="polite">
        {brushed
          ? trans.__('%1 of %2 runs within', formatCount(inside), formatCount(shown.length))
          : trans.__('Drag along an axis to choose a part of it')}
      </span>
      {brushed && (
        <>
          <button
            type="button"
            className="mltrack-Button mltrack-mod-small"
            disabled={inside === 0}
            onClick={() => {
              compare.show(others, false);
              onClear();
            }}
          >
            {trans.__('Keep only these')}
          </button>
          <button type="button" className="mltrack-Button mltrack-mod-small" onClick={onClear}>
            {trans.__('Clear')}
          </button>
        </>
      )}
    </span>
  );
}
