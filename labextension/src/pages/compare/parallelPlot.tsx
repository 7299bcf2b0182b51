/** The drawing of parallel coordinates; axes are brushed by dragging, or by keys on their ends. */
import * as React from 'react';
import { useTools } from '../../panel/context';
import { useSize } from '../../panel/hooks';
import { displayName } from '../../text';
import type { RunDetail } from '../../types';
import { ParallelAxis } from './parallelAxis';
import type { Dimension } from './dimension';
import { HEIGHT, yOf } from './parallelPlace';
import type { Brush, Brushes } from './parallelPlace';

const SIDE = 64;
const LEAST_GAP = 92;

export interface PlotProps {
  readonly runs: readonly RunDetail[];
  readonly dimensions: readonly Dimension[];
  readonly colour: Dimension | null;
  readonly brushes: Brushes;
  readonly within: readonly boolean[];
  readonly onBrush: (id: string, range: Brush | null) => void;
  readonly onLog: (id: string, log: boolean) => void;
}

/** A colour between the two ends of the ramp; what has no value is grey. */
export function rampColour(place: number | null): string {
  return place === null
    ? 'var(--jp-ui-font-color3)'
    : `color-mix(in oklab, var(--mltrack-ramp-high) ${Math.round(place * 100)}%, var(--mltrack-ramp-low))`;
}

export function ParallelPlot(props: PlotProps): JSX.Element {
  const { runs, dimensions, colour } = props;
  const { trans } = useTools();
  const host = React.useRef<HTMLDivElement>(null);
  const { width } = useSize(host);
  const [near, setNear] = React.useState<number | null>(null);
  const wide = Math.max(width, SIDE * 2 + LEAST_GAP * (dimensions.length - 1));
  const gap = dimensions.length < 2 ? 0 : (wide - SIDE * 2) / (dimensions.length - 1);
  const xOf = (index: number): number => (dimensions.length < 2 ? wide / 2 : SIDE + index * gap);
  const named = near === null ? undefined : runs[near];
  return (
    <div className="mltrack-Parallel" ref={host}>
      {width > 0 && (
        <svg
          width={wide}
          height={HEIGHT}
          role="group"
          aria-label={trans.__(
            'Parallel coordinates of %1 runs over %2',
            runs.length,
            dimensions.map(one => one.title).join(', ')
          )}
          onPointerLeave={() => setNear(null)}
        >
          <Lines {...props} xOf={xOf} near={near} onNear={setNear} />
          {dimensions.map((dimension, index) => (
            <ParallelAxis
              key={dimension.id}
              dimension={dimension}
              x={xOf(index)}
              brush={props.brushes.get(dimension.id) ?? null}
              onBrush={range => props.onBrush(dimension.id, range)}
              onLog={log => props.onLog(dimension.id, log)}
            />
          ))}
        </svg>
      )}
      <p className="mltrack-Parallel-said">
        {named !== undefined && colour !== null
          ? `${displayName(named.summary.name)}: ${colour.title} ${displayName(colour.row.texts[near ?? 0] ?? '–')}`
          : ' '}
      </p>
      {colour !== null && <Ramp colour={colour} />}
      <Missing dimensions={dimensions} />
    </div>
  );
}

function Lines(
  props: PlotProps & {
    xOf: (index: number) => number;
    near: number | null;
    onNear: (index: number | null) => void;
  }
): JSX.Element {
  const { runs, dimensions, colour, within, xOf, near } = props;
  return (
    <g>
      {runs.map((run, index) => {
        const path = pathOf(dimensions, index, xOf);
        const stroke = rampColour(colour?.places[index] ?? null);
        return (
          <g
            key={run.summary.run_id}
            className="mltrack-Parallel-run"
            data-within={within[index] === true}
            data-near={near === index}
            onPointerEnter={() => props.onNear(index)}
          >
            <title>{displayName(run.summary.name)}</title>
            <path className="mltrack-Parallel-hit" d={path} />
            <path className="mltrack-Parallel-line" d={path} style={{ stroke }} />
          </g>
        );
      })}
    </g>
  );
}

/** The line of a run; it is broken where the run has no value. */
function pathOf(
  dimensions: readonly Dimension[],
  index: number,
  xOf: (index: number) => number
): string {
  let pen = 'M';
  return dimensions
    .map(({ places }, at) => {
      const place = places[index] ?? null;
      if (place === null) {
        pen = 'M';
        return '';
      }
      const part = `${pen}${xOf(at).toFixed(1)} ${yOf(place).toFixed(1)}`;
      pen = 'L';
      return part;
    })
    .join('');
}

/** Which colour stands for what. */
function Ramp(props: { colour: Dimension }): JSX.Element {
  const { colour } = props;
  return (
    <p className="mltrack-Ramp">
      <span>{colour.title}</span>
      <span>{colour.label(0)}</span>
      <span className="mltrack-Ramp-bar" aria-hidden="true" />
      <span>{colour.label(1)}</span>
    </p>
  );
}

/** Axes on which some runs have nothing to draw. */
function Missing(props: { dimensions: readonly Dimension[] }): JSX.Element | null {
  const { trans } = useTools();
  const lacking = props.dimensions
    .map(({ title, places }) => ({ title, count: places.filter(place => place === null).length }))
    .filter(({ count }) => count > 0);
  return lacking.length === 0 ? null : (
    <p className="mltrack-Empty-line">
      {lacking
        .map(({ title, count }) =>
          trans._n(
            '%1 of the runs has no number for %2.',
            '%1 of the runs have no number for %2.',
            count,
            title
          )
        )
        .join(' ')}
    </p>
  );
}
