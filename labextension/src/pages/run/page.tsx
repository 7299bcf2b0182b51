/** One run: what it is, what can be done to it, and everything it keeps, in tabs. */
import * as React from 'react';
import { formatCount } from '../../format';
import { ProblemView, Skeleton } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { useModel, useSeen } from '../../panel/hooks';
import { RunPageStore } from '../../store/runPageStore';
import { displayName } from '../../text';
import type { RunId, WorkspaceId } from '../../types';
import { ArtifactsView } from '../artifacts/view';
import type { PageProps } from '../door';
import { PageTabs } from '../parts/tabs';
import type { PageTab } from '../parts/tabs';
import { DataTab } from './dataTab';
import { EnvironmentTab } from './environmentTab';
import { ErrorLine, GoneNotice } from './gone';
import { RunHead } from './head';
import { LogsTab } from './logsTab';
import { MetricsTab } from './metricsTab';
import { ModelsTab } from './modelsTab';
import { ParametersTab } from './parametersTab';
import { SourceTab } from './sourceTab';

const SKELETON_ROW_PX = 60;

type TabId =
  'metrics' | 'parameters' | 'artifacts' | 'logs' | 'source' | 'environment' | 'data' | 'models';

export function RunPage(props: PageProps): JSX.Element {
  const { args, setTitle } = props;
  const { trans } = useTools();
  const [runId] = args.runIds ?? [];
  const root = React.useRef<HTMLDivElement>(null);
  const page = useRunPage(args.workspace, runId);
  useRest(page, useSeen(root));
  useModel(page?.run ?? null);
  const name = page?.run.detail?.summary.name;
  React.useEffect(() => {
    if (name !== undefined) {
      setTitle(displayName(name));
    }
  }, [name, setTitle]);
  return (
    <div className="mltrack-Page mltrack-RunPage" ref={root} aria-label={trans.__('Run')}>
      {page !== null && <RunView page={page} />}
    </div>
  );
}

/** The page's store while it is open. */
function useRunPage(workspace: WorkspaceId, runId: RunId | undefined): RunPageStore | null {
  const { client, runClient, store } = useTools();
  const [page, setPage] = React.useState<RunPageStore | null>(null);
  React.useEffect(() => {
    if (runId === undefined) {
      return undefined;
    }
    const made = new RunPageStore(client, runClient, store, workspace, runId);
    setPage(made);
    return () => {
      setPage(null);
      made.dispose();
    };
  }, [client, runClient, store, workspace, runId]);
  return page;
}

/** Nothing is asked for a page that is behind another one. */
function useRest(page: RunPageStore | null, seen: boolean): void {
  const { store } = useTools();
  React.useEffect(() => {
    page?.setSeen(seen);
    return page === null || seen ? undefined : store.openRuns.rest(page.runId);
  }, [store, page, seen]);
}

function RunView(props: { page: RunPageStore }): JSX.Element {
  const { page } = props;
  const { run } = page;
  if (run.detail === null) {
    return run.problem === null ? (
      <Skeleton rows={3} rowHeight={SKELETON_ROW_PX} />
    ) : (
      <GoneNotice page={page} problem={run.problem} />
    );
  }
  return (
    <>
      {page.gone && <GoneNotice page={page} problem={run.problem} />}
      <RunHead page={page} detail={run.detail} />
      {run.problem !== null && !page.gone && <ProblemView problem={run.problem} />}
      <ErrorLine error={run.detail.summary.error} />
      <RunTabs page={page} />
    </>
  );
}

function RunTabs(props: { page: RunPageStore }): JSX.Element {
  const { page } = props;
  const { trans } = useTools();
  useModel(page.about);
  const [selected, setSelected] = React.useState<TabId>('metrics');
  const { detail } = page.run;
  const data = page.about.value?.data.length ?? 0;
  const models = detail?.models.length ?? 0;
  const counted = (count: number): string | null => (count > 0 ? formatCount(count) : null);
  const tabs: readonly PageTab<TabId>[] = [
    { id: 'metrics', title: trans.__('Metrics') },
    {
      id: 'parameters',
      title: trans.__('Parameters'),
      count: counted(detail?.params.length ?? 0)
    },
    { id: 'artifacts', title: trans.__('Artifacts') },
    { id: 'logs', title: trans.__('Logs') },
    { id: 'source', title: trans.__('Source') },
    { id: 'environment', title: trans.__('Environment') },
    { id: 'data', title: trans.__('Data'), count: counted(data) },
    { id: 'models', title: trans.__('Models'), count: counted(models) }
  ];
  return (
    <PageTabs
      label={trans.__('Parts of the run')}
      tabs={tabs}
      selected={selected}
      onSelect={setSelected}
    >
      <TabContent page={page} tab={selected} />
    </PageTabs>
  );
}

function TabContent(props: { page: RunPageStore; tab: TabId }): JSX.Element {
  const { page, tab } = props;
  switch (tab) {
    case 'metrics':
      return <MetricsTab page={page} />;
    case 'parameters':
      return <ParametersTab page={page} />;
    case 'artifacts':
      return <ArtifactsView workspace={page.workspace} runId={page.runId} />;
    case 'logs':
      return <LogsTab page={page} />;
    case 'source':
      return <SourceTab page={page} />;
    case 'environment':
      return <EnvironmentTab page={page} />;
    case 'data':
      return <DataTab page={page} />;
    case 'models':
      return <ModelsTab page={page} />;
  }
}
