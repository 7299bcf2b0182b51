/** Several runs side by side: curves, parallel coordinates, scatter, table, source. */
import * as React from 'react';
import { ProblemView, Skeleton } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { useModel, useSeen } from '../../panel/hooks';
import { CompareStore } from '../../store/compareStore';
import { displayName } from '../../text';
import type { PageArgs, PageProps } from '../door';
import { PageTabs } from '../parts/tabs';
import type { PageTab } from '../parts/tabs';
import { CurvesTab } from './curvesTab';
import { DiffTab } from './diffTab';
import { ParallelTab } from './parallelTab';
import { RunPicks } from './picks';
import { ScatterTab } from './scatterTab';
import { TableTab } from './tableTab';

const SKELETON_ROW_PX = 48;

type TabId = 'curves' | 'parallel' | 'scatter' | 'table' | 'source';

export function ComparePage(props: PageProps): JSX.Element {
  const { args, setTitle } = props;
  const { trans } = useTools();
  const root = React.useRef<HTMLDivElement>(null);
  const compare = useCompare(args);
  const seen = useSeen(root);
  React.useEffect(() => compare?.rest(!seen), [compare, seen]);
  useModel(compare);
  const names = (compare?.runs ?? []).slice(0, 2).map(run => displayName(run.summary.name));
  const count = args.runIds?.length ?? 0;
  const title =
    count === 2 && names.length === 2
      ? trans.__('%1 and %2', ...names)
      : trans.__('%1 runs compared', count);
  React.useEffect(() => setTitle(title), [title, setTitle]);
  return (
    <div className="mltrack-Page mltrack-ComparePage" ref={root}>
      {compare !== null && <CompareView compare={compare} title={title} />}
    </div>
  );
}

/** The page's store while it is open. */
function useCompare(args: PageArgs): CompareStore | null {
  const { client, runClient, store } = useTools();
  const [compare, setCompare] = React.useState<CompareStore | null>(null);
  const { workspace } = args;
  const ids = (args.runIds ?? []).join(' ');
  const runIds = React.useRef(args.runIds ?? []);
  runIds.current = args.runIds ?? [];
  React.useEffect(() => {
    const made = new CompareStore(client, runClient, store.live, workspace, runIds.current);
    setCompare(made);
    return () => {
      setCompare(null);
      made.dispose();
    };
  }, [client, runClient, store, workspace, ids]);
  return compare;
}

function CompareView(props: { compare: CompareStore; title: string }): JSX.Element {
  const { compare, title } = props;
  const { trans } = useTools();
  const [selected, setSelected] = React.useState<TabId>('curves');
  const { value, problem } = compare.details;
  if (value === null) {
    return problem === null ? (
      <Skeleton rows={4} rowHeight={SKELETON_ROW_PX} />
    ) : (
      <ProblemView problem={problem} />
    );
  }
  const tabs: readonly PageTab<TabId>[] = [
    { id: 'curves', title: trans.__('Curves') },
    { id: 'parallel', title: trans.__('Parallel') },
    { id: 'scatter', title: trans.__('Scatter') },
    { id: 'table', title: trans.__('Table') },
    { id: 'source', title: trans.__('Source') }
  ];
  return (
    <div className="mltrack-Compare">
      <h2 className="mltrack-visually-hidden">{title}</h2>
      <RunPicks compare={compare} />
      <div className="mltrack-Compare-main">
        {problem !== null && <ProblemView problem={problem} />}
        <PageTabs
          label={trans.__('Views of the runs')}
          tabs={tabs}
          selected={selected}
          onSelect={setSelected}
        >
          <TabContent compare={compare} tab={selected} />
        </PageTabs>
      </div>
    </div>
  );
}

function TabContent(props: { compare: CompareStore; tab: TabId }): JSX.Element {
  const { compare, tab } = props;
  switch (tab) {
    case 'curves':
      return <CurvesTab compare={compare} />;
    case 'parallel':
      return <ParallelTab compare={compare} />;
    case 'scatter':
      return <ScatterTab compare={compare} />;
    case 'table':
      return <TableTab compare={compare} />;
    case 'source':
      return <DiffTab compare={compare} />;
  }
}
