/** One chart: lines on one axis, drawn by uPlot. */
import uPlot from 'uplot';
import { formatNumber } from '../format';
import { readableKey } from '../text';
import { axes, wholeRange, yScale } from './axes';
import { Legend } from './legend';
import { drawGaps } from './marks';
import type { Points } from './merge';
import { prepare } from './prepare';
import type { Line, Prepared, PrepareOptions, ZoomRange } from './prepare';
import { lineStyle } from './theme';
import type { ChartTheme, LineStyle } from './theme';

const HEIGHT = 148;
const LINE_WIDTH = 1.5;
/** How visible the values are behind their smoothed line. */
const RAW_ALPHA = 0.3;
const FEW_VALUES = 20;
/** How near the pointer must be to a line for it to count as meant. */
const NEAR_PX = 24;
/** A drag shorter than this was a click. */
const SHORTEST_DRAG_PX = 4;
/** How much one press of a key zooms or moves. */
const KEY_PART = 0.25;
/** A dotted line has a dot this often. */
const DOT_EVERY = 12;

/** Words that the chart shows; the caller translates. */
export interface ChartWords {
  readonly resetZoom: string;
  readonly step: string;
  readonly time: string;
  /** For a screen reader: what is drawn, e.g. `loss over step`. */
  readonly describe: (names: string, x: string, newest: string) => string;
}

/** What a chart shows besides a single run's metrics with their legend. */
export interface ChartShape {
  /** Instead of a legend: what all lines are of. The line under the pointer is named beside it. */
  readonly title?: string;
  readonly height?: number;
}

/** One line; `style` tells it apart from others, on all charts that show it. */
export interface DrawnLine {
  readonly points: Points;
  readonly style: number;
}

export class ChartView {
  readonly node = document.createElement('figure');
  private readonly plotNode = document.createElement('div');
  private readonly resetButton = document.createElement('button');
  private readonly legend: Legend;
  private readonly hidden = new Set<number>();
  private plot: uPlot | null = null;
  private prepared: Prepared | null = null;
  private metrics: Points[] = [];
  private styles: LineStyle[] = [];
  private shape = '';
  private range: ZoomRange | null = null;
  private focused: number | null = null;

  constructor(
    private readonly syncKey: string,
    private readonly words: ChartWords,
    private readonly own: ChartShape = {},
    private readonly onZoom: (range: ZoomRange | null) => void = range => this.setRange(range)
  ) {
    this.legend = new Legend((index, show) => this.toggle(index, show), own.title);
    this.node.className = 'mltrack-Chart';
    this.plotNode.className = 'mltrack-Chart-plot';
    this.plotNode.setAttribute('role', 'img');
    this.plotNode.tabIndex = 0;
    this.plotNode.setAttribute('aria-keyshortcuts', '+ - ArrowLeft ArrowRight Escape');
    this.plotNode.addEventListener('keydown', event => this.onKey(event));
    this.resetButton.type = 'button';
    this.resetButton.className = 'mltrack-Chart-reset';
    this.resetButton.textContent = words.resetZoom;
    this.resetButton.hidden = true;
    this.resetButton.addEventListener('click', () => {
      this.onZoom(null);
      this.plotNode.focus();
    });
    this.node.append(this.legend.node, this.plotNode, this.resetButton);
  }

  /** Draw these lines as they are now. Cheap when only points were added. */
  update(
    lines: readonly DrawnLine[],
    options: PrepareOptions,
    theme: ChartTheme,
    width: number
  ): void {
    this.metrics = lines.map(({ points }) => points);
    this.styles = lines.map(({ style }) => lineStyle(theme, style));
    // Of the part that is zoomed to there may be other points, which begin later.
    const startMs = this.range?.kind === 'elapsed' ? this.range.startMs : undefined;
    const prepared = prepare(this.metrics, { ...options, startMs: startMs ?? options.startMs });
    const shape = JSON.stringify([
      lines.map(({ points, style }) => [points.key, style]),
      prepared.xKind,
      prepared.logY,
      prepared.factor,
      prepared.smoothed.length > 0,
      prepared.xKind === 'clock' ? prepared.raw.map(line => overTime(line).points?.show) : [],
      theme
    ]);
    this.prepared = prepared;
    if (this.plot === null || shape !== this.shape) {
      this.shape = shape;
      this.rebuild(prepared, theme, width);
    } else {
      this.plot.setData(toData(prepared), true);
    }
    this.showValues();
    this.describe();
  }

  /** Show a part of the horizontal axis; null for all of it. */
  setRange(range: ZoomRange | null): void {
    this.range = range;
    this.resetButton.hidden = !this.isZoomed();
    if (this.plot !== null && this.prepared !== null) {
      this.plot.setData(toData(this.prepared), true);
    }
  }

  setWidth(width: number): void {
    if (this.plot !== null && this.plot.width !== width) {
      this.plot.setSize({ width, height: this.height });
    }
  }

  dispose(): void {
    this.plot?.destroy();
    this.plot = null;
    this.node.remove();
  }

  private get height(): number {
    return this.own.height ?? HEIGHT;
  }

  private isZoomed(): boolean {
    return this.range !== null && this.range.kind === this.prepared?.xKind;
  }

  private rebuild(prepared: Prepared, theme: ChartTheme, width: number): void {
    this.plot?.destroy();
    this.hidden.clear();
    this.focused = null;
    this.resetButton.hidden = !this.isZoomed();
    this.legend.setKeys(
      this.metrics.map(points => points.key),
      this.styles
    );
    const options: uPlot.Options = {
      width,
      height: this.height,
      padding: [6, 6, 0, 0],
      legend: { show: false },
      cursor: this.cursor(),
      focus: { alpha: this.own.title === undefined ? 1 : RAW_ALPHA },
      scales: { x: { time: false, range: () => this.xRange() }, y: yScale(prepared) },
      axes: axes(prepared, theme),
      series: [{}, ...makeSeries(prepared, this.styles)],
      hooks: {
        draw: [plot => this.drawGaps(plot)],
        setCursor: [() => this.showValues()],
        setSelect: [plot => this.onSelect(plot)],
        setSeries: [(_, index) => this.onFocus(index)]
      }
    };
    this.plot = new uPlot(options, toData(prepared), this.plotNode);
  }

  private cursor(): uPlot.Cursor {
    const shared: uPlot.Cursor.Sync = { key: this.syncKey, scales: ['x', null], setSeries: false };
    shared.filters = { pub: type => type === 'mousemove' || type === 'mouseleave' };
    return {
      drag: { x: true, y: false, setScale: false },
      points: { size: 5, show: this.own.title === undefined },
      sync: shared,
      ...(this.own.title === undefined ? {} : { focus: { prox: NEAR_PX } }),
      bind: {
        dblclick: () => () => {
          this.onZoom(null);
          return null;
        }
      }
    };
  }

  private xRange(): uPlot.Range.MinMax {
    return this.range !== null && this.isZoomed()
      ? [this.range.min, this.range.max]
      : wholeRange(this.prepared?.x ?? []);
  }

  /** What was dragged over becomes what all charts of the group show. */
  private onSelect(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < SHORTEST_DRAG_PX) {
      return;
    }
    const min = plot.posToVal(left, 'x');
    const max = plot.posToVal(left + width, 'x');
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.zoomTo(min, max);
  }

  private zoomTo(min: number, max: number): void {
    if (this.prepared !== null && max > min) {
      this.onZoom({ kind: this.prepared.xKind, min, max, startMs: this.prepared.startMs });
    }
  }

  private onKey(event: KeyboardEvent): void {
    const { min, max } = this.plot?.scales.x ?? {};
    if (min === undefined || max === undefined || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const part = (max - min) * KEY_PART;
    switch (event.key) {
      case '+':
        this.zoomTo(min + part, max - part);
        break;
      case '-':
        this.zoomTo(min - part, max + part);
        break;
      case 'ArrowLeft':
        this.zoomTo(min - part, max - part);
        break;
      case 'ArrowRight':
        this.zoomTo(min + part, max + part);
        break;
      case 'Escape':
        this.onZoom(null);
        break;
      default:
        return;
    }
    event.preventDefault();
  }

  private toggle(index: number, show: boolean): void {
    if (show) {
      this.hidden.delete(index);
    } else {
      this.hidden.add(index);
    }
    const count = this.metrics.length;
    this.plot?.setSeries(1 + index, { show });
    if ((this.prepared?.smoothed.length ?? 0) > 0) {
      this.plot?.setSeries(1 + count + index, { show });
    }
  }

  private drawGaps(plot: uPlot): void {
    // On a logarithmic axis values below zero are gaps too: those have finite values.
    if (this.prepared !== null && !this.prepared.logY && this.prepared.xKind !== 'clock') {
      drawGaps(plot, this.prepared.raw, this.styles, index => !this.hidden.has(index));
    }
  }

  private onFocus(index: number | null): void {
    const count = this.metrics.length;
    this.focused = index === null || count === 0 ? null : (index - 1) % count;
    this.showValues();
  }

  /** Values at the cursor, or the newest ones. */
  private showValues(): void {
    const at = this.plot?.cursor.idx ?? null;
    const factor = this.prepared?.factor ?? 1;
    if (this.own.title !== undefined) {
      const line = this.focused === null ? undefined : this.lineOf(this.focused);
      const value = at === null || line === undefined ? null : valueAt(line, at);
      const name = this.metrics[this.focused ?? -1]?.key ?? '';
      this.legend.setFocus(value === null ? '' : name, value === null ? null : value / factor);
      return;
    }
    this.metrics.forEach((points, index) => {
      const line = this.lineOf(index);
      if (at === null || line === undefined) {
        const newest = points.values[points.values.length - 1] ?? null;
        this.legend.setValue(index, newest, points.lastText);
      } else {
        const value = valueAt(line, at);
        this.legend.setValue(index, value === null ? null : value / factor, 'nan');
      }
    });
  }

  private lineOf(index: number): Line | undefined {
    return this.prepared?.smoothed[index] ?? this.prepared?.raw[index];
  }

  private describe(): void {
    const names = this.metrics.map(points => readableKey(points.key)).join(', ');
    const newest = this.metrics
      .map(points => formatNumber(points.values[points.values.length - 1] ?? null, points.lastText))
      .join(', ');
    const x = this.prepared?.xKind === 'step' ? this.words.step : this.words.time;
    const what = this.own.title === undefined ? names : `${this.own.title}: ${names}`;
    this.plotNode.setAttribute('aria-label', this.words.describe(what, x, newest));
  }
}

/** The value at `at`, or the last one before it where this line has no point. */
function valueAt(line: Line, at: number): number | null {
  for (let index = at; index >= 0; index--) {
    const value = line[index];
    if (value !== undefined) {
      return value;
    }
  }
  return null;
}

function toData(prepared: Prepared): uPlot.AlignedData {
  return [prepared.x, ...prepared.raw, ...prepared.smoothed];
}

function makeSeries(prepared: Prepared, styles: readonly LineStyle[]): uPlot.Series[] {
  const smoothed = prepared.smoothed.length > 0;
  const raw = styles.map((style, index): uPlot.Series => {
    const { stroke, dash } = style;
    const faint = smoothed ? { alpha: RAW_ALPHA, points: { show: false } } : dots(style);
    const line = { stroke, dash, width: LINE_WIDTH, ...faint };
    return prepared.xKind === 'clock' ? { ...line, ...overTime(prepared.raw[index] ?? []) } : line;
  });
  const smooth = styles.map((style): uPlot.Series => ({
    stroke: style.stroke,
    dash: style.dash,
    width: LINE_WIDTH,
    ...dots(style)
  }));
  return smoothed ? [...raw, ...smooth] : raw;
}

/** A dot here and there on lines whose colour and dash another line has too. */
function dots(style: LineStyle): Partial<uPlot.Series> {
  if (!style.dotted) {
    return {};
  }
  const filter: uPlot.Series.Points.Filter = (plot, index, show) => {
    const points = plot.data[index] ?? [];
    const there = show
      ? Array.from(points, (value, at) => (value === null || value === undefined ? -1 : at))
      : [];
    return there.filter(at => at !== -1).filter((_, nth) => nth % DOT_EVERY === 0);
  };
  return { points: { show: true, size: 6, filter } };
}

/** Over the day a bucket without a value is no gap; where there are few values each has a dot. */
function overTime(line: Line): Partial<uPlot.Series> {
  const values = line.filter(value => value !== null && value !== undefined).length;
  return { spanGaps: true, points: { show: values <= FEW_VALUES, size: 4 } };
}
