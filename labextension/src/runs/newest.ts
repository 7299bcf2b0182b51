/** A row of a list with what the live list knows better. Pure. */
import type { LiveStore } from '../store/liveStore';
import type { RunSummary } from '../types';

export function newestOf(live: LiveStore, run: RunSummary): RunSummary {
  const fresh = live.newest(run);
  if (fresh === run) {
    return run;
  }
  const { status, end_ms, error, waiting_points } = fresh;
  const known = new Set(fresh.metrics.map(one => one.key));
  const metrics = [...fresh.metrics, ...run.metrics.filter(one => !known.has(one.key))];
  return { ...run, status, end_ms, error, waiting_points, metrics };
}
