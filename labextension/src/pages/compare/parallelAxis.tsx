/** One axis of parallel coordinates with the part of it that is chosen. */
import * as React from 'react';
import { useTools } from '../../panel/context';
import type { Dimension } from './dimension';
import { placeOf, yOf } from './parallelPlace';
import type { Brush } from './parallelPlace';

const GRAB_PX = 24;
const HANDLE_PX = 18;
const TITLE_Y = 14;
const LOG_Y = 28;
/** What is dragged over less than this was a click: it takes the brush away. */
const LEAST_BRUSH = 0.015;
const KEY_STEP = 0.05;
const LONGEST_TITLE = 16;

export interface AxisProps {
  readonly dimension: Dimension;
  readonly x: number;
  readonly brush: Brush | null;
  readonly onBrush: (range: Brush | null) => void;
  readonly onLog: (log: boolean) => void;
}

export function ParallelAxis(props: AxisProps): JSX.Element {
  const { dimension, x, brush } = props;
  const drag = useDrag(props.onBrush);
  const [low, high] = brush ?? [0, 1];
  return (
    <g transform={`translate(${x.toFixed(1)} 0)`} className="mltrack-Axis">
      <Heading {...props} />
      <line y1={yOf(0)} y2={yOf(1)} className="mltrack-Axis-line" />
      {dimension.ticks.map(({ place, label }) => (
        <g key={`${place} ${label}`} transform={`translate(0 ${yOf(place).toFixed(1)})`}>
          <line x2={-4} className="mltrack-Axis-line" />
          <text x={-12} dy="0.32em" textAnchor="end">
            {label}
          </text>
        </g>
      ))}
      <rect
        className="mltrack-Axis-grab"
        x={-GRAB_PX / 2}
        y={yOf(1) - 4}
        width={GRAB_PX}
        height={yOf(0) - yOf(1) + 8}
        onPointerDown={drag.down}
        onPointerMove={drag.move}
        onPointerUp={drag.up}
        onPointerCancel={drag.up}
      />
      {brush !== null && (
        <rect
          className="mltrack-Axis-brush"
          x={-HANDLE_PX / 2}
          y={yOf(high)}
          width={HANDLE_PX}
          height={Math.max(2, yOf(low) - yOf(high))}
        />
      )}
      <Handle {...props} end="low" />
      <Handle {...props} end="high" />
    </g>
  );
}

/** The name, and a switch of the scale where it can be another. */
function Heading(props: AxisProps): JSX.Element {
  const { dimension } = props;
  const { trans } = useTools();
  const { title, log } = dimension;
  const short = title.length > LONGEST_TITLE ? `${title.slice(0, LONGEST_TITLE - 1)}…` : title;
  const flip = (): void => props.onLog(!log);
  return (
    <>
      <text y={TITLE_Y} textAnchor="middle" className="mltrack-Axis-title">
        <title>{title}</title>
        {short}
      </text>
      {dimension.canLog && (
        <text
          y={LOG_Y}
          textAnchor="middle"
          className="mltrack-Axis-log"
          role="button"
          tabIndex={0}
          aria-pressed={log}
          aria-label={trans.__('Logarithmic axis of %1', title)}
          onClick={flip}
          onKeyDown={event => {
            if (event.key === 'Enter' || event.key === ' ') {
              event.preventDefault();
              flip();
            }
          }}
        >
          {log ? trans.__('log') : trans.__('linear')}
        </text>
      )}
    </>
  );
}

/** One end of what is chosen: arrow keys move it, Escape chooses the whole axis again. */
function Handle(props: AxisProps & { end: 'low' | 'high' }): JSX.Element {
  const { dimension, brush, end, onBrush } = props;
  const { trans } = useTools();
  const [low, high] = brush ?? [0, 1];
  const at = end === 'low' ? low : high;
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const to = moved(event.key, at);
    if (to === undefined) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const next: Brush = end === 'low' ? [Math.min(to, high), high] : [low, Math.max(to, low)];
    onBrush(event.key === 'Escape' || (next[0] <= 0 && next[1] >= 1) ? null : next);
  };
  return (
    <rect
      className="mltrack-Axis-handle"
      x={-HANDLE_PX / 2}
      y={yOf(at) - 3}
      width={HANDLE_PX}
      height={6}
      role="slider"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label={
        end === 'low'
          ? trans.__('Lower end on %1', dimension.title)
          : trans.__('Upper end on %1', dimension.title)
      }
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(at * 100)}
      aria-valuetext={dimension.label(at)}
      onKeyDown={onKeyDown}
    />
  );
}

/** Where a key moves an end to; undefined for keys that do not. */
function moved(key: string, at: number): number | undefined {
  switch (key) {
    case 'ArrowUp':
    case 'ArrowRight':
      return Math.min(1, at + KEY_STEP);
    case 'ArrowDown':
    case 'ArrowLeft':
      return Math.max(0, at - KEY_STEP);
    case 'Home':
      return 0;
    case 'End':
      return 1;
    case 'Escape':
      return at;
    default:
      return undefined;
  }
}

interface Drag {
  down: (event: React.PointerEvent<SVGRectElement>) => void;
  move: (event: React.PointerEvent<SVGRectElement>) => void;
  up: (event: React.PointerEvent<SVGRectElement>) => void;
}

/** Dragging along an axis chooses a part of it; a click chooses all of it again. */
function useDrag(onBrush: (range: Brush | null) => void): Drag {
  const from = React.useRef<number | null>(null);
  const placeAt = (event: React.PointerEvent<SVGRectElement>): number => {
    const top = event.currentTarget.ownerSVGElement?.getBoundingClientRect().top ?? 0;
    return placeOf(event.clientY - top);
  };
  const move = (event: React.PointerEvent<SVGRectElement>): void => {
    if (from.current !== null) {
      const to = placeAt(event);
      const range: Brush = [Math.min(from.current, to), Math.max(from.current, to)];
      onBrush(range[1] - range[0] < LEAST_BRUSH ? null : range);
    }
  };
  return {
    down: event => {
      event.currentTarget.setPointerCapture(event.pointerId);
      from.current = placeAt(event);
    },
    move,
    up: event => {
      move(event);
      from.current = null;
    }
  };
}
