/** What the rest of the page sees of the wire: its types by name, and columns as they are decoded. */
import type * as wire from './wire';

export { API_PREFIX, NUDGE_SCHEMA_ID, WIRE_VERSION } from './wire';
export type {
  AzureChange,
  AzureEndpointInfo,
  AzureOverview,
  AzureWorkspaceInfo,
  ComputeInfo,
  AccountInfo,
  AccountReport,
  ArtifactInfo,
  ArtifactList,
  ArtifactPreview,
  CodeSnapshot,
  ColumnInfo,
  DataEntry,
  DataInfo,
  DataListing,
  DatastoreInfo,
  DiffLine,
  DiffRow,
  DeployPlan,
  DriftFeature,
  DriftReport,
  DeploymentInfo,
  EndpointInfo,
  EndpointList,
  EndpointStats,
  ExperimentId,
  ExperimentInfo,
  ExperimentList,
  Health,
  JobBackend,
  JobBackends,
  JobInfo,
  JobList,
  JobStep,
  JobText,
  LeftOut,
  LiveRun,
  LiveRuns,
  LogLines,
  MetricStat,
  MetricTable,
  MetricValue,
  ModelField,
  ModelInfo,
  ModelPage,
  ModelSignature,
  ModelVersionDetail,
  ModelVersionInfo,
  MonitorReport,
  NotebookCell,
  Nudge,
  OutputLine,
  Pair,
  Prediction,
  PredictionMix,
  Problem,
  Progress,
  Removed,
  RunAbout,
  RunAlert,
  RunColumns,
  RunDetail,
  RunDetails,
  RunDiff,
  RunId,
  RunOutput,
  RunView,
  RunPage,
  RunStopped,
  RunSummary,
  RunsChanged,
  SchemaChange,
  SignIn,
  Status,
  SubmittedJob,
  SyncReport,
  TargetInfo,
  TargetList,
  Travelling,
  Uploads,
  VersionShare,
  WorkspaceId,
  WorkspaceInfo,
  WorkspaceList,
  WorkspaceSeen,
  WorkspacesSeen
} from './wire';

export type DeploymentState = wire.EndpointInfo['state'];
export type JobState = wire.JobInfo['state'];
export type SubmittedState = wire.SubmittedJob['state'];
export type StepState = wire.JobStep['state'];
export type RunStatus = wire.RunSummary['status'];

/** `nonfinite` and `exact` by index in `values`. */
export type Column = Omit<wire.Column, 'nonfinite' | 'exact'> & {
  nonfinite: Map<number, string>;
  exact: Map<number, string>;
};

export type Series = Omit<wire.Series, 'columns'> & { columns: Column[] };
