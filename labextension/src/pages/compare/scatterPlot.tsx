/** The drawing of a scatter: a point for each run, its name under the pointer or the focus. */
import * as React from 'react';
import type { LineStyle } from '../../chart/theme';
import { useTools } from '../../panel/context';
import { useSize } from '../../panel/hooks';
import { nextIndex } from '../../panel/virtualList';
import type { CompareStore } from '../../store/compareStore';
import { displayName, shortenMiddle } from '../../text';
import type { RunDetail } from '../../types';
import { useLineStyles } from '../parts/lineSample';
import type { Dimension } from './dimension';

const HEIGHT = 400;
const LEFT = 96;
const RIGHT = 24;
const TOP = 28;
const BOTTOM = 40;
const RADIUS = 5;
/** What is left free at both ends of an axis. */
const MARGIN = 0.04;
/** Up to this many points have their names beside them. */
const NAMED = 12;
const LONGEST_NAME = 22;

interface PlotPoint {
  readonly run: RunDetail;
  readonly index: number;
  readonly x: number;
  readonly y: number;
  readonly style: LineStyle;
}

export function ScatterPlot(props: {
  compare: CompareStore;
  runs: readonly RunDetail[];
  across: Dimension;
  up: Dimension;
}): JSX.Element {
  const { compare, runs, across, up } = props;
  const { trans } = useTools();
  const host = React.useRef<HTMLDivElement>(null);
  const { width } = useSize(host);
  const styleOf = useLineStyles(host);
  const [active, setActive] = React.useState(0);
  const points = runs.flatMap((run, index) => {
    const x = across.places[index] ?? null;
    const y = up.places[index] ?? null;
    const style = styleOf(compare.indexOf(run.summary.run_id));
    return x === null || y === null ? [] : [{ run, index, style, x: xAt(x, width), y: yAt(y) }];
  });
  // Arrow keys go from left to right.
  const ordered = [...points].sort((a, b) => a.x - b.x);
  const lacking = runs.length - points.length;
  return (
    <div className="mltrack-Scatter" ref={host}>
      {width > 0 && (
        <svg
          width={width}
          height={HEIGHT}
          role="group"
          aria-label={trans.__('%1 over %2', up.title, across.title)}
          onKeyDown={event => moveAmong(event, ordered.length, active, setActive)}
        >
          <Axes across={across} up={up} width={width} />
          {ordered.map((point, at) => (
            <Point
              key={point.run.summary.run_id}
              point={point}
              named={points.length <= NAMED}
              said={`${displayName(point.run.summary.name)}: ${across.title} ${displayName(
                across.row.texts[point.index] ?? ''
              )}, ${up.title} ${displayName(up.row.texts[point.index] ?? '')}`}
              tabIndex={at === Math.min(active, ordered.length - 1) ? 0 : -1}
              flip={point.x > width / 2}
            />
          ))}
        </svg>
      )}
      {lacking > 0 && (
        <p className="mltrack-Empty-line">
          {trans._n(
            '%1 of the runs has no number for both.',
            '%1 of the runs have no number for both.',
            lacking
          )}
        </p>
      )}
    </div>
  );
}

function inset(place: number): number {
  return MARGIN + place * (1 - 2 * MARGIN);
}

function xAt(place: number, width: number): number {
  return LEFT + inset(place) * Math.max(0, width - LEFT - RIGHT);
}

function yAt(place: number): number {
  return HEIGHT - BOTTOM - inset(place) * (HEIGHT - TOP - BOTTOM);
}

/** Arrow keys of a row of points as those of a list. */
function moveAmong(
  event: React.KeyboardEvent<SVGSVGElement>,
  count: number,
  active: number,
  setActive: (index: number) => void
): void {
  const key = event.key.replace('Right', 'Down').replace('Left', 'Up');
  const next = nextIndex(key, Math.min(active, count - 1), count);
  if (next !== null) {
    event.preventDefault();
    setActive(next);
    event.currentTarget.querySelectorAll<SVGElement>('.mltrack-Point')[next]?.focus();
  }
}

function Point(props: {
  point: PlotPoint;
  named: boolean;
  said: string;
  tabIndex: 0 | -1;
  flip: boolean;
}): JSX.Element {
  const { point, named, said, flip } = props;
  const { actions } = useTools();
  const [near, setNear] = React.useState(false);
  const { run, x, y, style } = point;
  const open = (): void =>
    actions().openPage('run', {
      workspace: run.summary.workspace_id,
      runIds: [run.summary.run_id]
    });
  return (
    <g
      className="mltrack-Point"
      role="button"
      tabIndex={props.tabIndex}
      aria-label={said}
      transform={`translate(${x.toFixed(1)} ${y.toFixed(1)})`}
      onClick={open}
      onKeyDown={event => {
        if (event.key === 'Enter') {
          open();
        }
      }}
      onPointerEnter={() => setNear(true)}
      onPointerLeave={() => setNear(false)}
      onFocus={() => setNear(true)}
      onBlur={() => setNear(false)}
    >
      <title>{said}</title>
      <circle r={RADIUS + 5} className="mltrack-Point-hit" />
      <Mark style={style} />
      {(named || near) && (
        <text x={flip ? -10 : 10} dy="0.32em" textAnchor={flip ? 'end' : 'start'}>
          {displayName(shortenMiddle(run.summary.name, LONGEST_NAME))}
        </text>
      )}
    </g>
  );
}

/** The shape follows the dash of the run's line: a second cue beside its colour. */
function Mark(props: { style: LineStyle }): JSX.Element {
  const { stroke, dash } = props.style;
  const r = RADIUS;
  switch (dash.join(' ')) {
    case '':
      return <circle r={r} fill={stroke} />;
    case '7 4':
      return <rect x={-r} y={-r} width={2 * r} height={2 * r} fill={stroke} />;
    case '2 3':
      return <path d={`M0 ${-r - 1}L${r + 1} ${r}H${-r - 1}Z`} fill={stroke} />;
    default:
      return <path d={`M0 ${-r - 2}L${r + 2} 0L0 ${r + 2}L${-r - 2} 0Z`} fill={stroke} />;
  }
}

function Axes(props: { across: Dimension; up: Dimension; width: number }): JSX.Element {
  const { across, up, width } = props;
  const base = HEIGHT - BOTTOM;
  return (
    <g className="mltrack-Axis" aria-hidden="true">
      <line x1={LEFT} x2={width - RIGHT} y1={base} y2={base} className="mltrack-Axis-line" />
      <line x1={LEFT} x2={LEFT} y1={TOP} y2={base} className="mltrack-Axis-line" />
      {across.ticks.map(({ place, label }) => (
        <text key={label} x={xAt(place, width)} y={base + 16} textAnchor="middle">
          {label}
        </text>
      ))}
      {up.ticks.map(({ place, label }) => {
        const y = yAt(place);
        return (
          <g key={label}>
            <line x1={LEFT} x2={width - RIGHT} y1={y} y2={y} className="mltrack-Axis-grid" />
            <text x={LEFT - 6} y={y} dy="0.32em" textAnchor="end">
              {label}
            </text>
          </g>
        );
      })}
      <text x={width - RIGHT} y={base + 32} textAnchor="end" className="mltrack-Axis-title">
        {across.title}
      </text>
      <text x={LEFT - 6} y={TOP - 12} className="mltrack-Axis-title">
        {up.title}
      </text>
    </g>
  );
}
