/**
 * The charts of compared runs: one for each metric, one line for each run. What a line is drawn
 * over is brought to one axis here: steps, time since each run's own start, or another metric.
 */
import type { DrawnLine } from '../../chart/chart';
import type { ChartPlan, ChartSource } from '../../chart/group';
import type { Points } from '../../chart/merge';
import type { PrepareOptions, ZoomRange } from '../../chart/prepare';
import type { CompareStore } from '../../store/compareStore';
import { rangeOf, ZoomWindow } from '../../store/zoomWindow';
import { displayName, readableKey } from '../../text';
import type { RunDetail, RunId } from '../../types';

const CHART_HEIGHT = 190;

/** A metric's key stands for the values of that metric. */
export type CurveAxis = 'step' | 'relative' | 'wall' | { readonly metric: string };

/** How charts treat the axis once lines were brought to it. */
export function prepareAxis(axis: CurveAxis): Pick<PrepareOptions, 'xAxis' | 'startMs'> {
  switch (axis) {
    case 'step':
      return { xAxis: 'step', startMs: 0 };
    case 'relative':
      return { xAxis: 'time', startMs: 0 };
    case 'wall':
      return { xAxis: 'wall' };
    default:
      return { xAxis: 'value' };
  }
}

/** Metrics that say how far a run was: what curves can be drawn over. */
export function progressKeys(keys: readonly string[]): string[] {
  return keys.filter(key => /epoch|iter|sample|token|batch|progress/i.test(readableKey(key)));
}

/** A run's points under its name, brought to the axis. */
export function onAxis(points: Points, run: RunDetail, axis: CurveAxis, over?: Points): Points {
  const { name, start_ms: startMs } = run.summary;
  const key = displayName(name);
  if (axis === 'wall') {
    return { ...points, key };
  }
  const timestampsMs = points.timestampsMs.map(time => time - startMs);
  if (typeof axis === 'string') {
    return { ...points, key, timestampsMs };
  }
  return { ...points, key, timestampsMs, ...overMetric(points, over) };
}

/** Steps become the other metric's value at that step, or the last one before it. */
function overMetric(points: Points, over: Points | undefined): Partial<Points> {
  const known = new Map<number, number>();
  over?.steps.forEach((step, index) => {
    const value = over.values[index] ?? null;
    if (value !== null) {
      known.set(step, value);
    }
  });
  const steps: number[] = [];
  const values: (number | null)[] = [];
  let last: number | undefined;
  points.steps.forEach((step, index) => {
    last = known.get(step) ?? last;
    if (last !== undefined) {
      steps.push(last);
      values.push(points.values[index] ?? null);
    }
  });
  return { steps, values };
}

export class CurveSource implements ChartSource {
  /** Calls back when there is something else to draw. */
  onChanged: () => void = () => undefined;
  private axis: CurveAxis = 'step';
  private keys: readonly string[] = [];
  private range: ZoomRange | null = null;
  private seen: readonly string[] = [];
  private readonly windows: ReadonlyMap<RunId, ZoomWindow>;

  constructor(private readonly compare: CompareStore) {
    const { client, workspace, maxPoints } = compare;
    this.windows = new Map(
      compare.runIds.map(runId => [
        runId,
        new ZoomWindow(client, workspace, runId, maxPoints, () => this.onChanged())
      ])
    );
    compare.pointsChanged.connect(this.onPoints, this);
  }

  /** Draw these metrics over this axis. */
  set(keys: readonly string[], axis: CurveAxis): void {
    this.keys = keys;
    this.axis = axis;
    this.want();
    this.onChanged();
  }

  charts(): readonly ChartPlan[] {
    return this.keys.map(key => ({
      name: key,
      keys: [key],
      shape: { title: key, height: CHART_HEIGHT }
    }));
  }

  lines({ name }: ChartPlan): readonly DrawnLine[] {
    const { compare, axis } = this;
    return compare.shown.flatMap(run => {
      const { run_id: runId } = run.summary;
      const whole = compare.seriesOf(runId)?.data;
      const points = this.windows.get(runId)?.get(name) ?? whole?.get(name);
      if (points === undefined) {
        return [];
      }
      const over = typeof axis === 'string' ? undefined : whole?.get(axis.metric);
      const line = onAxis(points, run, axis, over);
      return line.steps.length === 0 ? [] : [{ points: line, style: compare.indexOf(runId) }];
    });
  }

  onSeen = (plans: readonly ChartPlan[]): void => {
    this.seen = plans.map(({ name }) => name);
    this.want();
    this.askWindows();
  };

  onZoom = (range: ZoomRange | null): void => {
    this.range = range;
    this.askWindows();
    this.onChanged();
  };

  dispose(): void {
    this.compare.pointsChanged.disconnect(this.onPoints, this);
    this.windows.forEach(one => one.dispose());
  }

  private onPoints(): void {
    this.onChanged();
  }

  private want(): void {
    const { axis } = this;
    const over = typeof axis === 'string' ? [] : [axis.metric];
    this.compare.want([...this.seen, ...over]);
  }

  /** Of what can be seen, the metrics that do not have all their points here. */
  private askWindows(): void {
    for (const run of this.compare.shown) {
      const { run_id: runId, start_ms: startMs } = run.summary;
      const data = this.compare.seriesOf(runId)?.data;
      const thinned = this.seen.filter(key => {
        const points = data?.get(key);
        return points !== undefined && points.total > points.values.length;
      });
      const own = this.range?.kind === 'elapsed' ? { ...this.range, startMs } : this.range;
      this.windows.get(runId)?.show(rangeOf(own), thinned);
    }
  }
}
