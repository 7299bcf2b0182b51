/** What the rest of the page sees of the wire: its types by name, and columns as they are decoded. */
import type * as wire from './wire';

export { API_PREFIX, NUDGE_SCHEMA_ID, WIRE_VERSION } from './wire';
export type {
  ExperimentId,
  ExperimentInfo,
  ExperimentList,
  Health,
  LiveRun,
  LiveRuns,
  MetricValue,
  Nudge,
  Pair,
  Problem,
  RunDetail,
  RunId,
  RunPage,
  RunSummary,
  Status,
  SyncReport,
  WorkspaceId,
  WorkspaceInfo,
  WorkspaceList
} from './wire';

export type RunStatus = wire.RunSummary['status'];

/** `nonfinite` and `exact` by index in `values`. */
export type Column = Omit<wire.Column, 'nonfinite' | 'exact'> & {
  nonfinite: Map<number, string>;
  exact: Map<number, string>;
};

export type Series = Omit<wire.Series, 'columns'> & { columns: Column[] };
