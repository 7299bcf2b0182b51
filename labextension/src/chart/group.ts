/**
 * All charts of one run. A chart is drawn only while it can be seen, at most once a frame, with a
 * cursor that all of them share.
 */
import { ChartView } from './chart';
import type { ChartWords } from './chart';
import { groupFamilies } from './families';
import type { SeriesData } from './merge';
import type { PrepareOptions } from './prepare';
import { readTheme } from './theme';
import type { ChartTheme } from './theme';

/** More charts than this come with a button. */
const CHARTS_AT_ONCE = 24;

let groups = 0;

export interface GroupWords extends ChartWords {
  readonly more: (count: number) => string;
}

interface Entry {
  view: ChartView;
  keys: string[];
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

  /**
   * @param host empty element that the charts fill; it must stay while the group lives.
   */
  constructor(
    private readonly host: HTMLElement,
    private readonly data: SeriesData,
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
        entry.view.update(this.data, entry.keys, this.options, this.theme, this.width);
      }
    }
  }

  /** Have one chart for each family, in order. */
  private arrange(): void {
    const families = groupFamilies(this.data.keys);
    const shown = families.slice(0, this.limit);
    for (const { name, keys } of shown) {
      const entry = this.charts.get(name);
      if (entry === undefined) {
        this.add(name, keys);
      } else {
        entry.keys = keys;
      }
    }
    const nodes = shown.flatMap(({ name }) => this.charts.get(name)?.view.node ?? []);
    nodes.forEach((node, index) => {
      if (this.host.children[index] !== node) {
        this.host.insertBefore(node, this.host.children[index] ?? null);
      }
    });
    const rest = families.length - shown.length;
    if (rest > 0) {
      this.moreButton.textContent = this.words.more(rest);
      this.host.append(this.moreButton);
    } else {
      this.moreButton.remove();
    }
  }

  private add(name: string, keys: string[]): void {
    const view = new ChartView(this.syncKey, this.words);
    // The first ones are in sight as soon as they are there; the observer corrects it.
    const entry = { view, keys, visible: this.charts.size < 2, dirty: true };
    this.charts.set(name, entry);
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
