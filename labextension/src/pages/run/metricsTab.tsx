/** The metrics of a run: charts, and beside them a table with the numbers of each. */
import * as React from 'react';
import { ChartGroup } from '../../chart/group';
import { formatCount, formatNumber } from '../../format';
import { Name, ProblemView, Skeleton } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { useModel } from '../../panel/hooks';
import type { RunPageStore } from '../../store/runPageStore';
import { displayName, readableKey } from '../../text';
import type { MetricStat } from '../../types';
import { ChartControls } from '../parts/chartControls';
import { VirtualTable } from '../parts/virtualTable';
import type { TableColumn } from '../parts/virtualTable';
import { chartWords } from '../parts/words';
import { RunChartSource } from './chartSource';

const SKELETON_ROW_PX = 180;
/** Columns are narrow: the tooltip has the exact value. */
const DIGITS = 4;
/** How often a store that has not got the run is asked again. */
const UNSENT_MS = 3000;
/** Metrics that a search found are drawn up to this many, though they do not come by themselves. */
const FOUND_DRAWN = 12;

export function MetricsTab(props: { page: RunPageStore }): JSX.Element {
  const { page } = props;
  const { metrics, run } = page;
  useModel(metrics);
  useModel(run);
  const charts = useCharts(page);
  useNumbers(page);
  const { rows, search } = metrics;
  React.useEffect(() => {
    if (charts.source !== null) {
      charts.source.filter(search.split(/\s+/).filter(word => word !== ''));
    }
  }, [charts.source, search]);
  React.useEffect(() => {
    if (search.trim() !== '') {
      charts.source?.want(rows.slice(0, FOUND_DRAWN).map(row => row.key));
    }
  }, [charts.source, rows, search]);
  return (
    <div className="mltrack-Split">
      <div className="mltrack-Split-main">
        <MetricControls page={page} />
        <ChartNotes page={page} />
        <div ref={charts.host} className="mltrack-Charts mltrack-mod-grid" />
      </div>
      <div className="mltrack-Split-side">
        {metrics.problem !== null && !isUnsent(page) && <ProblemView problem={metrics.problem} />}
        <Numbers page={page} onShow={charts.show} />
      </div>
    </div>
  );
}

/** The store has not got the run yet: its numbers are those of the points here. */
function isUnsent(page: RunPageStore): boolean {
  return page.metrics.problem?.code === 'not_found' && page.run.problem === null;
}

interface Charts {
  host: React.RefObject<HTMLDivElement>;
  source: RunChartSource | null;
  show: (key: string) => void;
}

/** The charts while they are shown. */
function useCharts(page: RunPageStore): Charts {
  const { store, trans } = useTools();
  const host = React.useRef<HTMLDivElement>(null);
  const shown = React.useRef<ChartGroup | null>(null);
  const [source, setSource] = React.useState<RunChartSource | null>(null);
  React.useEffect(() => {
    if (host.current === null) {
      return undefined;
    }
    const made = new RunChartSource(page);
    const group = new ChartGroup(host.current, made, store.options.value, chartWords(trans));
    const onOptions = (): void => group.setOptions(store.options.value);
    made.onChanged = () => group.update();
    store.options.stateChanged.connect(onOptions);
    shown.current = group;
    setSource(made);
    return () => {
      store.options.stateChanged.disconnect(onOptions);
      shown.current = null;
      group.dispose();
      made.dispose();
    };
  }, [page, store, trans]);
  const show = (key: string): void => {
    source?.want([key]);
    // What had to be asked for is there a moment later.
    shown.current?.reveal(key);
  };
  return { host, source, show };
}

/** The table follows the run while it is shown. */
function useNumbers(page: RunPageStore): void {
  React.useEffect(() => {
    const { metrics, run } = page;
    const refresh = (): void => metrics.refresh();
    refresh();
    run.pointsChanged.connect(refresh);
    const timer = setInterval(() => {
      if (isUnsent(page) && !document.hidden) {
        refresh();
      }
    }, UNSENT_MS);
    return () => {
      clearInterval(timer);
      run.pointsChanged.disconnect(refresh);
    };
  }, [page]);
}

function MetricControls(props: { page: RunPageStore }): JSX.Element {
  const { store, trans } = useTools();
  const { metrics } = props.page;
  const { options } = store;
  useModel(options);
  const { xAxis, logY, smoothing } = options.value;
  return (
    <ChartControls
      axes={[
        { id: 'step', title: trans.__('step') },
        { id: 'time', title: trans.__('time') }
      ]}
      axis={xAxis}
      onAxis={id => options.set({ xAxis: id === 'time' ? 'time' : 'step' })}
      logY={logY}
      onLogY={value => options.set({ logY: value })}
      smoothing={smoothing}
      onSmoothing={value => options.set({ smoothing: value })}
    >
      <input
        type="search"
        className="jp-mod-styled mltrack-Input mltrack-mod-search"
        value={metrics.search}
        spellCheck={false}
        placeholder={trans.__('Search metrics')}
        aria-label={trans.__('Search metrics')}
        onChange={event => metrics.setSearch(event.currentTarget.value)}
      />
    </ChartControls>
  );
}

/** What stands in place of charts, and what they do not show. */
function ChartNotes(props: { page: RunPageStore }): JSX.Element | null {
  const { trans } = useTools();
  const { run, metrics } = props.page;
  if (!run.loaded) {
    return run.problem === null ? <Skeleton rows={2} rowHeight={SKELETON_ROW_PX} /> : null;
  }
  if (run.data.keys.length === 0) {
    return <p className="mltrack-Empty-line">{trans.__('No metric was logged yet.')}</p>;
  }
  if (run.hiddenColumns > 0 && metrics.search === '') {
    const count = formatCount(run.hiddenColumns);
    return (
      <p className="mltrack-Empty-line">
        {trans.__('%1 more metrics are in the table: search for one to see its chart.', count)}
      </p>
    );
  }
  return run.note === '' ? null : <p className="mltrack-Empty-line">{displayName(run.note)}</p>;
}

function Numbers(props: { page: RunPageStore; onShow: (key: string) => void }): JSX.Element {
  const { trans } = useTools();
  const { metrics, run } = props.page;
  const { onShow } = props;
  const rows = metrics.numbers(run.data);
  const total = Math.max(metrics.total, rows.length);
  const columns = React.useMemo<readonly TableColumn<MetricStat>[]>(
    () => [
      {
        name: 'key',
        head: trans.__('metric'),
        width: 'minmax(90px, 1.6fr)',
        isHead: true,
        cell: row => (
          <button type="button" className="mltrack-Link" onClick={() => onShow(row.key)}>
            <Name text={readableKey(row.key)} />
          </button>
        )
      },
      number('last', trans.__('last'), row => [row.last, row.text]),
      number('minimum', trans.__('min'), row => [row.minimum, '']),
      number('maximum', trans.__('max'), row => [row.maximum, '']),
      number('mean', trans.__('mean'), row => [row.mean, ''])
    ],
    [trans, onShow]
  );
  const onNearEnd = React.useCallback(() => void metrics.loadMore(), [metrics]);
  if (!metrics.loaded && rows.length === 0) {
    return <Skeleton rows={6} rowHeight={24} />;
  }
  if (rows.length === 0) {
    return (
      <p className="mltrack-Empty-line">
        {metrics.search === '' ? '' : trans.__('No metric fits the search.')}
      </p>
    );
  }
  return (
    <>
      <VirtualTable
        label={trans.__('Metrics in numbers')}
        columns={columns}
        rows={rows}
        total={total}
        keyOf={row => row.key}
        onNearEnd={onNearEnd}
      />
      <p className="mltrack-Sheet-count">
        <span aria-live="polite">
          {trans._n('%2 metric', '%2 metrics', total, formatCount(total))}
        </span>{' '}
        <span className="mltrack-PointCount" data-count={run.data.total}>
          {trans._n('%2 point', '%2 points', run.data.total, formatCount(run.data.total))}
        </span>
      </p>
    </>
  );
}

function number(
  name: string,
  head: string,
  value: (row: MetricStat) => readonly [number | null, string]
): TableColumn<MetricStat> {
  return {
    name,
    head,
    width: 'minmax(84px, 1fr)',
    isNumber: true,
    cell: row => {
      const [shown, text] = value(row);
      return (
        <span title={displayName(text || String(shown ?? ''))}>
          {formatNumber(shown, text, DIGITS)}
        </span>
      );
    }
  };
}
