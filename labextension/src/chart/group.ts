/**
 * All charts of one view. A chart is drawn only while it can be seen, at most once a frame, with a
 * cursor and a zoom that all of them share.
 */
import { ChartView } from './chart';
import type { ChartShape, ChartWords, DrawnLine } from './chart';
import { groupFamilies } from './families';
import type { SeriesData } from './merge';
import type { PrepareOptions, ZoomRange } from './prepare';
import { readTheme } from './theme';
import type { ChartTheme } from './theme';

/** More charts than this come with a button. */
const CHARTS_AT_ONCE = 24;

let groups = 0;

export interface GroupWords extends ChartWords {
  readonly more: (count: number) => string;
}

/** One chart of a view. */
export interface ChartPlan {
  /** Unique among the charts of the view. */
  readonly name: string;
  /** What its lines are made from. */
  readonly keys: readonly string[];
  readonly shape?: ChartShape;
}

/** What there is to draw; asked anew for each frame in which something changed. */
export interface ChartSource {
  charts(): readonly ChartPlan[];
  lines(plan: ChartPlan): readonly DrawnLine[];
  /** The charts that can be seen became others. */
  readonly onSeen?: (plans: readonly ChartPlan[]) => void;
  /** A part of the horizontal axis was chosen; null for all of it. */
  readonly onZoom?: (range: ZoomRange | null) => void;
}

/** The metrics of one run: those of a family share a chart. */
export function familySource(data: SeriesData): ChartSource {
  return {
    charts: () => groupFamilies(data.keys),
    lines: ({ keys }) => keys.flatMap((key, style) => linesOf(data, key, style))
  };
}

/** The line of a metric; none for one that has no points here. */
export function linesOf(data: SeriesData, key: string, style: number): DrawnLine[] {
  const points = data.get(key);
  return points === undefined ? [] : [{ points, style }];
}

interface Entry {
  view: ChartView;
  plan: ChartPlan;
  visible: boolean;
  dirty: boolean;
}

export class ChartGroup {
  private readonly charts = new Map<string, Entry>();
  private readonly byNode = new Map<Element, Entry>();
  private readonly moreButton = document.createElement('button');
  private readonly intersections: IntersectionObserver;
  private readonly sizes: ResizeObserver;
  private readonly themes: MutationObserver;
  private readonly syncKey = `mltrack-${groups++}`;
  private theme: ChartTheme | null = null;
  private width = 0;
  private limit = CHARTS_AT_ONCE;
  private frame = 0;
  private disposed = false;
  private range: ZoomRange | null = null;
  private seen = '';

  /**
   * @param host empty element that the charts fill; it must stay while the group lives.
   */
  constructor(
    private readonly host: HTMLElement,
    private readonly source: ChartSource,
    private options: PrepareOptions,
    private readonly words: GroupWords
  ) {
    this.moreButton.type = 'button';
    this.moreButton.className = 'mltrack-Button';
    this.moreButton.addEventListener('click', () => {
      this.limit += CHARTS_AT_ONCE;
      this.update();
    });
    this.intersections = new IntersectionObserver(entries => this.onIntersect(entries), {
      rootMargin: '120px'
    });
    this.sizes = new ResizeObserver(() => this.onResize());
    this.sizes.observe(host);
    this.themes = new MutationObserver(() => this.onTheme());
    this.themes.observe(document.body, {
      attributes: true,
      attributeFilter: ['data-jp-theme-name', 'data-jp-theme-light']
    });
    this.update();
  }

  /** Points came: draw in the next frame. */
  update(): void {
    this.charts.forEach(entry => {
      entry.dirty = true;
    });
    this.schedule();
  }

  setOptions(options: PrepareOptions): void {
    this.options = options;
    this.update();
  }

  /** Bring the chart of a metric into sight. */
  reveal(key: string): void {
    const index = this.source.charts().findIndex(({ keys }) => keys.includes(key));
    this.limit = Math.max(this.limit, index + 1);
    this.draw();
    const entry = [...this.charts.values()].find(({ plan }) => plan.keys.includes(key));
    entry?.view.node.scrollIntoView({ block: 'nearest' });
  }

  dispose(): void {
    this.disposed = true;
    cancelAnimationFrame(this.frame);
    this.intersections.disconnect();
    this.sizes.disconnect();
    this.themes.disconnect();
    this.charts.forEach(entry => entry.view.dispose());
    this.charts.clear();
    this.moreButton.remove();
  }

  private schedule(): void {
    if (this.frame === 0 && !this.disposed) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.draw();
      });
    }
  }

  private draw(): void {
    this.width = this.width || this.host.clientWidth;
    this.arrange();
    if (this.width === 0) {
      return; // Not laid out yet: the resize observer will tell.
    }
    this.theme ??= readTheme(this.host);
    for (const entry of this.charts.values()) {
      if (entry.visible && entry.dirty) {
        entry.dirty = false;
        const lines = this.source.lines(entry.plan);
        entry.view.update(lines, this.options, this.theme, this.width);
      }
    }
    this.tellSeen();
  }

  private tellSeen(): void {
    const plans = [...this.charts.values()].filter(one => one.visible).map(one => one.plan);
    const seen = JSON.stringify(plans.map(({ name, keys }) => [name, keys]));
    if (seen !== this.seen) {
      this.seen = seen;
      this.source.onSeen?.(plans);
    }
  }

  private zoom(range: ZoomRange | null): void {
    this.range = range;
    this.charts.forEach(({ view }) => view.setRange(range));
    this.source.onZoom?.(range);
  }

  private removeOthers(plans: readonly ChartPlan[]): void {
    const names = new Set(plans.map(({ name }) => name));
    for (const [name, { view }] of this.charts) {
      if (!names.has(name)) {
        this.intersections.unobserve(view.node);
        this.byNode.delete(view.node);
        this.charts.delete(name);
        view.dispose();
      }
    }
  }

  /** Have the charts that there are, in order. */
  private arrange(): void {
    const plans = this.source.charts();
    const shown = plans.slice(0, this.limit);
    this.removeOthers(shown);
    for (const plan of shown) {
      const entry = this.charts.get(plan.name);
      if (entry === undefined) {
        this.add(plan);
      } else {
        entry.plan = plan;
      }
    }
    const nodes = shown.flatMap(({ name }) => this.charts.get(name)?.view.node ?? []);
    nodes.forEach((node, index) => {
      if (this.host.children[index] !== node) {
        this.host.insertBefore(node, this.host.children[index] ?? null);
      }
    });
    const rest = plans.length - shown.length;
    if (rest > 0) {
      this.moreButton.textContent = this.words.more(rest);
      this.host.append(this.moreButton);
    } else {
      this.moreButton.remove();
    }
  }

  private add(plan: ChartPlan): void {
    const view = new ChartView(this.syncKey, this.words, plan.shape, range => this.zoom(range));
    view.setRange(this.range);
    // The first ones are in sight as soon as they are there; the observer corrects it.
    const entry = { view, plan, visible: this.charts.size < 2, dirty: true };
    this.charts.set(plan.name, entry);
    this.byNode.set(view.node, entry);
    this.intersections.observe(view.node);
  }

  private onIntersect(changes: IntersectionObserverEntry[]): void {
    for (const change of changes) {
      const entry = this.byNode.get(change.target);
      if (entry !== undefined) {
        entry.visible = change.isIntersecting;
      }
    }
    this.schedule();
  }

  private onResize(): void {
    const width = this.host.clientWidth;
    if (width > 0 && width !== this.width) {
      this.width = width;
      this.charts.forEach(entry => entry.view.setWidth(width));
      this.schedule();
    }
  }

  private onTheme(): void {
    this.theme = null;
    this.update();
  }
}
