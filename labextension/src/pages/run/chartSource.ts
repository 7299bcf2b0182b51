/**
 * What the charts of a run's page draw: the metrics that come by themselves, those that were chosen
 * from a longer list, and while a part is zoomed to, all points of that part.
 */
import { groupFamilies } from '../../chart/families';
import type { ChartPlan, ChartSource } from '../../chart/group';
import type { DrawnLine } from '../../chart/chart';
import type { Points } from '../../chart/merge';
import type { ZoomRange } from '../../chart/prepare';
import type { RunPageStore } from '../../store/runPageStore';
import { SeriesStore } from '../../store/seriesStore';
import { rangeOf, ZoomWindow } from '../../store/zoomWindow';
import { readableKey } from '../../text';

const MORE_GAP_MS = 1000;

export class RunChartSource implements ChartSource {
  /** Calls back when there is more to draw. */
  onChanged: () => void = () => undefined;
  private readonly window: ZoomWindow;
  private readonly more: SeriesStore;
  private words: readonly string[] = [];
  private pinned: readonly string[] = [];
  private range: ZoomRange | null = null;
  private seen: readonly ChartPlan[] = [];

  constructor(private readonly page: RunPageStore) {
    const { client, workspace, runId, maxPoints } = page;
    this.window = new ZoomWindow(client, workspace, runId, maxPoints, () => this.onChanged());
    this.more = new SeriesStore(client, workspace, runId, maxPoints, MORE_GAP_MS, page.pace);
    this.more.changed.connect(() => this.onChanged());
    page.run.pointsChanged.connect(this.onPoints, this);
  }

  /** Only metrics with all of these words in their names. */
  filter(words: readonly string[]): void {
    this.words = words.map(word => word.toLowerCase());
    this.onChanged();
  }

  /** Draw these too, whether or not they came by themselves. */
  want(keys: readonly string[]): void {
    const missing = keys.filter(key => this.page.run.data.get(key) === undefined);
    this.pinned = [...new Set([...missing, ...this.pinned])];
    this.more.want(missing);
    this.onChanged();
  }

  charts(): readonly ChartPlan[] {
    const others = this.pinned.filter(key => this.more.data.get(key) !== undefined);
    const keys = [...new Set([...this.page.run.data.keys, ...others])];
    return groupFamilies(keys.filter(key => this.fits(key)));
  }

  lines({ keys }: ChartPlan): readonly DrawnLine[] {
    return keys.flatMap((key, style) => {
      const points = this.window.get(key) ?? this.whole(key);
      return points === undefined ? [] : [{ points, style }];
    });
  }

  onSeen = (plans: readonly ChartPlan[]): void => {
    this.seen = plans;
    this.askWindow();
  };

  onZoom = (range: ZoomRange | null): void => {
    this.range = range;
    this.askWindow();
    this.onChanged();
  };

  dispose(): void {
    this.page.run.pointsChanged.disconnect(this.onPoints, this);
    this.window.dispose();
    this.more.dispose();
  }

  private onPoints(): void {
    this.more.refresh();
    if (this.range !== null && this.page.run.running) {
      this.askWindow();
    }
    this.onChanged();
  }

  private whole(key: string): Points | undefined {
    return this.page.run.data.get(key) ?? this.more.data.get(key);
  }

  /** Of what can be seen, the metrics that do not have all their points here. */
  private askWindow(): void {
    const thinned = this.seen
      .flatMap(({ keys }) => keys)
      .filter(key => {
        const points = this.whole(key);
        return points !== undefined && points.total > points.values.length;
      });
    this.window.show(rangeOf(this.range), thinned);
  }

  private fits(key: string): boolean {
    const name = readableKey(key).toLowerCase();
    return this.words.every(word => name.includes(word));
  }
}
