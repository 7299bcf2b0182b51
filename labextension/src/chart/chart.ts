/** One chart: the metrics of one family on one axis, drawn by uPlot. */
import uPlot from 'uplot';
import { formatDuration, formatNumber } from '../format';
import { readableKey } from '../text';
import { Legend } from './legend';
import type { Points, SeriesData } from './merge';
import { prepare } from './prepare';
import type { Line, Prepared, PrepareOptions, XKind } from './prepare';
import { lineStyle } from './theme';
import type { ChartTheme } from './theme';

const HEIGHT = 148;
const LINE_WIDTH = 1.5;
/** How visible the values are behind their smoothed line. */
const RAW_ALPHA = 0.3;

/** Words that the chart shows; the caller translates. */
export interface ChartWords {
  readonly resetZoom: string;
  readonly step: string;
  readonly time: string;
  /** For a screen reader: what is drawn, e.g. `loss over step`. */
  readonly describe: (names: string, x: string, newest: string) => string;
}

export class ChartView {
  readonly node = document.createElement('figure');
  private readonly plotNode = document.createElement('div');
  private readonly resetButton = document.createElement('button');
  private readonly legend = new Legend((index, show) => this.toggle(index, show));
  private readonly hidden = new Set<number>();
  private plot: uPlot | null = null;
  private prepared: Prepared | null = null;
  private metrics: Points[] = [];
  private shape = '';
  private zoomed = false;

  constructor(
    private readonly syncKey: string,
    private readonly words: ChartWords
  ) {
    this.node.className = 'mltrack-Chart';
    this.plotNode.className = 'mltrack-Chart-plot';
    this.plotNode.setAttribute('role', 'img');
    this.resetButton.type = 'button';
    this.resetButton.className = 'mltrack-Chart-reset';
    this.resetButton.textContent = words.resetZoom;
    this.resetButton.hidden = true;
    this.resetButton.addEventListener('click', () => this.resetZoom());
    this.node.append(this.legend.node, this.plotNode, this.resetButton);
  }

  /** Draw what `data` has now of `keys`. Cheap when only points were added. */
  update(
    data: SeriesData,
    keys: readonly string[],
    options: PrepareOptions,
    theme: ChartTheme,
    width: number
  ): void {
    this.metrics = keys.flatMap(key => data.get(key) ?? []);
    const prepared = prepare(this.metrics, options);
    const shape = JSON.stringify([
      keys,
      prepared.xKind,
      prepared.logY,
      prepared.smoothed.length > 0,
      theme
    ]);
    this.prepared = prepared;
    if (this.plot === null || shape !== this.shape) {
      this.shape = shape;
      this.rebuild(prepared, theme, width);
    } else {
      this.plot.setData(toData(prepared), !this.zoomed);
      if (this.zoomed) {
        this.plot.redraw();
      }
    }
    this.showValues();
    this.describe();
  }

  setWidth(width: number): void {
    if (this.plot !== null && this.plot.width !== width) {
      this.plot.setSize({ width, height: HEIGHT });
    }
  }

  dispose(): void {
    this.plot?.destroy();
    this.plot = null;
    this.node.remove();
  }

  private rebuild(prepared: Prepared, theme: ChartTheme, width: number): void {
    this.plot?.destroy();
    this.zoomed = false;
    this.resetButton.hidden = true;
    this.hidden.clear();
    const styles = this.metrics.map((_, index) => lineStyle(theme, index));
    this.legend.setKeys(
      this.metrics.map(points => points.key),
      styles
    );
    const options: uPlot.Options = {
      width,
      height: HEIGHT,
      padding: [6, 6, 0, 0],
      legend: { show: false },
      cursor: {
        drag: { x: true, y: false },
        points: { size: 5 },
        sync: { key: this.syncKey, scales: ['x', null] }
      },
      scales: { x: { time: false, range: xRange }, y: { distr: prepared.logY ? 3 : 1 } },
      axes: axes(prepared.xKind, theme),
      series: [{}, ...makeSeries(prepared, styles)],
      hooks: {
        setCursor: [() => this.showValues()],
        setScale: [(plot, key) => this.onScale(plot, key)]
      }
    };
    this.plot = new uPlot(options, toData(prepared), this.plotNode);
  }

  private onScale(plot: uPlot, key: string): void {
    const x = this.prepared?.x ?? [];
    const { min, max } = plot.scales.x ?? {};
    if (key !== 'x' || min === undefined || max === undefined || x.length < 2) {
      return;
    }
    this.zoomed = min > (x[0] ?? 0) || max < (x[x.length - 1] ?? 0);
    this.resetButton.hidden = !this.zoomed;
  }

  private resetZoom(): void {
    if (this.plot !== null && this.prepared !== null) {
      this.plot.setData(toData(this.prepared), true);
      this.plotNode.focus();
    }
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

  /** Values at the cursor, or the newest ones. */
  private showValues(): void {
    const at = this.plot?.cursor.idx ?? null;
    this.metrics.forEach((points, index) => {
      const line = this.prepared?.smoothed[index] ?? this.prepared?.raw[index];
      if (at === null || line === undefined) {
        const newest = points.values[points.values.length - 1] ?? null;
        this.legend.setValue(index, newest, points.lastText);
      } else {
        this.legend.setValue(index, valueAt(line, at), 'nan');
      }
    });
  }

  private describe(): void {
    const names = this.metrics.map(points => readableKey(points.key)).join(', ');
    const newest = this.metrics
      .map(points => formatNumber(points.values[points.values.length - 1] ?? null, points.lastText))
      .join(', ');
    const x = this.prepared?.xKind === 'step' ? this.words.step : this.words.time;
    this.plotNode.setAttribute('aria-label', this.words.describe(names, x, newest));
  }
}

/** From the first to the last point, or what was zoomed to; one point alone stands in the middle. */
function xRange(plot: uPlot, min: number | null, max: number | null): uPlot.Range.MinMax {
  const x = plot.data[0];
  const [only] = x;
  if (x.length === 1 && only !== undefined) {
    return [only - 1, only + 1];
  }
  return [min ?? 0, max ?? 1];
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

function makeSeries(
  prepared: Prepared,
  styles: readonly { stroke: string; dash: number[] }[]
): uPlot.Series[] {
  const smoothed = prepared.smoothed.length > 0;
  const raw = styles.map(({ stroke, dash }): uPlot.Series => {
    const faint = smoothed ? { alpha: RAW_ALPHA, points: { show: false } } : {};
    return { stroke, dash, width: LINE_WIDTH, ...faint };
  });
  const smooth = styles.map(({ stroke, dash }): uPlot.Series => ({
    stroke,
    dash,
    width: LINE_WIDTH
  }));
  return smoothed ? [...raw, ...smooth] : raw;
}

function axes(xKind: XKind, theme: ChartTheme): uPlot.Axis[] {
  const common = {
    stroke: theme.text,
    font: theme.font,
    grid: { stroke: theme.grid, width: 1 },
    ticks: { stroke: theme.grid, width: 1, size: 4 }
  };
  return [
    {
      ...common,
      size: 24,
      gap: 3,
      space: 40,
      ...(xKind === 'step' ? { incrs: STEPS } : {}),
      values: (_, splits) =>
        xKind === 'step' ? splits.map(one => formatNumber(one)) : elapsed(splits)
    },
    {
      ...common,
      gap: 3,
      space: 28,
      size: (_, values) => ySize(values ?? []),
      values: (_, splits) => splits.map(value => (value === null ? '' : formatNumber(value)))
    }
  ];
}

/** Seconds as `01:40`, or with fractions where ticks are closer than a second. */
function elapsed(splits: readonly number[]): string[] {
  const [first = 0, second = first + 1] = splits;
  return splits.map(value =>
    second - first < 1 ? `${formatNumber(value, '', 3)} s` : formatDuration(value * 1000)
  );
}

/** Ticks of steps are whole numbers. */
const STEPS = [1, 2, 5]
  .flatMap(first => Array.from({ length: 13 }, (_, power) => first * 10 ** power))
  .sort((a, b) => a - b);

/** Room for the longest number of the y axis. */
function ySize(values: readonly (string | null)[]): number {
  const longest = values.reduce((most, value) => Math.max(most, value?.length ?? 0), 0);
  return Math.max(28, 12 + longest * 6);
}
