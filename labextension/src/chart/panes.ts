/** Charts over the time of day whose lines the caller chooses: what an endpoint did. */
import { ChartView } from './chart';
import type { ChartWords } from './chart';
import { SeriesData } from './merge';
import { readTheme } from './theme';
import type { RunId } from '../types';

export interface PaneLine {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

/** One chart: lines over the same times. */
export interface Pane {
  readonly title: string;
  readonly lines: readonly PaneLine[];
}

const OPTIONS = { xAxis: 'clock', smoothing: 0, logY: false } as const;

let groups = 0;

export class Panes {
  private views: { title: HTMLElement; view: ChartView }[] = [];
  private panes: readonly Pane[] = [];
  private timesMs: readonly number[] = [];
  private readonly syncKey = `mltrack-panes-${groups++}`;
  private readonly sizes: ResizeObserver;
  private readonly themes: MutationObserver;

  /**
   * @param host empty element that the charts fill.
   */
  constructor(
    private readonly host: HTMLElement,
    private readonly words: ChartWords
  ) {
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(host);
    this.themes = new MutationObserver(() => this.draw());
    this.themes.observe(document.body, {
      attributes: true,
      attributeFilter: ['data-jp-theme-name', 'data-jp-theme-light']
    });
  }

  show(timesMs: readonly number[], panes: readonly Pane[]): void {
    this.timesMs = timesMs;
    this.panes = panes;
    while (this.views.length > panes.length) {
      const last = this.views.pop();
      last?.view.dispose();
      last?.title.remove();
    }
    while (this.views.length < panes.length) {
      const view = new ChartView(this.syncKey, this.words);
      const title = document.createElement('h4');
      title.className = 'mltrack-Pane-title';
      this.host.append(title, view.node);
      this.views.push({ title, view });
    }
    this.draw();
  }

  dispose(): void {
    this.sizes.disconnect();
    this.themes.disconnect();
    this.views.forEach(({ view, title }) => {
      view.dispose();
      title.remove();
    });
    this.views = [];
  }

  private draw(): void {
    const width = this.host.clientWidth;
    if (width === 0) {
      return;
    }
    const theme = readTheme(this.host);
    this.panes.forEach((pane, index) => {
      const entry = this.views[index];
      if (entry === undefined) {
        return;
      }
      entry.title.textContent = pane.title;
      const data = seriesOf(this.timesMs, pane.lines);
      const lines = data.all.map((points, style) => ({ points, style }));
      entry.view.update(lines, OPTIONS, theme, width);
      entry.view.setWidth(width);
    });
  }
}

function isId(value: string): value is RunId {
  return value !== '';
}

/** The lines in the shape that charts are drawn from. */
function seriesOf(timesMs: readonly number[], lines: readonly PaneLine[]): SeriesData {
  const data = new SeriesData();
  const runId = 'pane';
  if (isId(runId)) {
    data.apply({
      run_id: runId,
      status: 'RUNNING',
      columns: lines.map(line => ({
        key: line.name,
        steps: timesMs.map((_, index) => index),
        timestamps_ms: [...timesMs],
        values: [...line.values],
        nonfinite: new Map(),
        exact: new Map(),
        total: timesMs.length
      })),
      cursor: 0,
      reset: true,
      hidden_columns: 0,
      note: ''
    });
  }
  return data;
}
