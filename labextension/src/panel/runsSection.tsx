/** Recent runs: search, rows, and what an opened row shows. */
import * as React from 'react';
import { formatAgo, formatCount, formatDuration, formatNumber, formatTook } from '../format';
import { isRunning } from '../store/liveStore';
import type { RunsStore } from '../store/runsStore';
import { displayName, lastLine, readableKey } from '../text';
import type { RunId, RunSummary } from '../types';
import { InsertButton, Metric, Name, ProblemView, Skeleton, StatusMark } from './bits';
import { metricColumns } from './columns';
import { useTools } from './context';
import { reveal, useModel, useSize, useTick } from './hooks';
import { OpenedRun } from './runCharts';
import { VirtualList } from './virtualList';

const NARROW_ROW_HEIGHT = 42;
const WIDE_ROW_HEIGHT = 26;
/** From this width on a run is one line with columns. */
const WIDE_PX = 480;
const TICK_MS = 15_000;
const LIVE_TICK_MS = 1000;
const SKELETON_ROWS = 4;

export function RunsSection(): JSX.Element {
  const { store } = useTools();
  const { runs } = store;
  const root = React.useRef<HTMLDivElement>(null);
  const { width } = useSize(root);
  useModel(runs);
  useTick(TICK_MS, true);
  return (
    <div className="mltrack-Runs" ref={root}>
      <SearchBox runs={runs} />
      {runs.problem !== null && <ProblemView problem={runs.problem} id="mltrack-search-problem" />}
      {!runs.loaded && runs.rows.length === 0 ? (
        <Skeleton rows={SKELETON_ROWS} rowHeight={NARROW_ROW_HEIGHT} />
      ) : runs.rows.length === 0 ? (
        runs.problem === null && <EmptyRuns searching={runs.search.trim() !== ''} />
      ) : (
        <RunRows runs={runs} width={width} />
      )}
    </div>
  );
}

function SearchBox(props: { runs: RunsStore }): JSX.Element {
  const { trans } = useTools();
  const { runs } = props;
  return (
    <div className="mltrack-Search">
      <input
        type="search"
        className="jp-mod-styled mltrack-Search-input"
        value={runs.search}
        placeholder={trans.__('Name, or metrics.acc > 0.9')}
        aria-label={trans.__(
          'Search runs: words of the name, or a filter such as %1',
          'metrics.acc > 0.9'
        )}
        aria-invalid={runs.problem !== null && runs.search !== ''}
        aria-describedby={runs.problem === null ? undefined : 'mltrack-search-problem'}
        spellCheck={false}
        onChange={event => runs.setSearch(event.currentTarget.value)}
      />
      <span className="mltrack-Search-count" aria-live="polite">
        {runs.loaded && runs.total !== null
          ? trans._n('%2 run', '%2 runs', runs.total, formatCount(runs.total))
          : ''}
      </span>
    </div>
  );
}

function EmptyRuns(props: { searching: boolean }): JSX.Element {
  const { store, trans } = useTools();
  useModel(store.live);
  useModel(store);
  if (props.searching) {
    return (
      <div className="mltrack-Empty">
        <p className="mltrack-Empty-line">{trans.__('No run fits the search.')}</p>
      </div>
    );
  }
  return (
    <div className="mltrack-Empty">
      <p className="mltrack-Empty-line">
        {trans.__('No runs yet. A cell that begins with %1 becomes the first one.', '%%track')}
      </p>
      {/* The Live section has the button when nothing runs. */}
      {store.live.runs.length > 0 && <InsertButton />}
    </div>
  );
}

const keyOf = (run: RunSummary): string => run.run_id;

function RunRows(props: { runs: RunsStore; width: number }): JSX.Element {
  const { store, trans } = useTools();
  const { runs, width } = props;
  const { live } = store;
  useModel(live);
  useTick(LIVE_TICK_MS, live.running.length > 0);
  const [opened, setOpened] = React.useState<ReadonlySet<RunId>>(new Set());
  const isOpen = React.useCallback((run: RunSummary) => opened.has(run.run_id), [opened]);
  const onNearEnd = React.useCallback(() => void runs.loadMore(), [runs]);
  const wide = width >= WIDE_PX;
  const columns = React.useMemo(
    () => (wide ? metricColumns(runs.rows, width) : []),
    [wide, runs.rows, width]
  );
  const toggle = (runId: RunId): void => {
    const next = new Set(opened);
    if (!next.delete(runId)) {
      next.add(runId);
    }
    setOpened(next);
  };
  return (
    <>
      {wide && <ColumnHeads columns={columns} />}
      <VirtualList
        label={trans.__('Runs')}
        rows={runs.rows}
        total={runs.total ?? runs.rows.length}
        rowHeight={wide ? WIDE_ROW_HEIGHT : NARROW_ROW_HEIGHT}
        keyOf={keyOf}
        isOpen={isOpen}
        onNearEnd={onNearEnd}
        renderRow={(run, tabIndex) => (
          <RunRow
            run={live.newest(run)}
            columns={wide ? columns : null}
            open={opened.has(run.run_id)}
            tabIndex={tabIndex}
            onToggle={() => toggle(run.run_id)}
          />
        )}
        renderBody={run => <OpenedRun run={run} />}
      />
    </>
  );
}

function gridColumns(count: number): React.CSSProperties {
  return {
    gridTemplateColumns: `20px minmax(120px, 1fr) repeat(${count}, 76px) 64px 92px`
  };
}

function ColumnHeads(props: { columns: readonly string[] }): JSX.Element {
  const { trans } = useTools();
  return (
    <div className="mltrack-Heads" style={gridColumns(props.columns.length)} aria-hidden="true">
      <span />
      <span>{trans.__('name')}</span>
      {props.columns.map(key => (
        <Name key={key} text={readableKey(key)} className="mltrack-mod-number" />
      ))}
      <span className="mltrack-mod-number">{trans.__('took')}</span>
      <span className="mltrack-mod-number">{trans.__('started')}</span>
    </div>
  );
}

interface RowProps {
  run: RunSummary;
  /** Metrics that have a column each; null for the narrow row of two lines. */
  columns: readonly string[] | null;
  open: boolean;
  tabIndex: 0 | -1;
  onToggle: () => void;
}

function RunRow(props: RowProps): JSX.Element {
  const { run, columns, open } = props;
  const wide = columns !== null;
  return (
    <button
      type="button"
      className={`mltrack-Row mltrack-RunRow ${wide ? 'mltrack-mod-wide' : ''}`}
      style={{
        height: wide ? WIDE_ROW_HEIGHT : NARROW_ROW_HEIGHT,
        ...(wide ? gridColumns(columns.length) : {})
      }}
      aria-expanded={open}
      data-status={run.status}
      data-run-id={run.run_id}
      tabIndex={props.tabIndex}
      onClick={event => {
        props.onToggle();
        if (!open) {
          reveal(event.currentTarget);
        }
      }}
    >
      {wide ? <WideCells run={run} columns={columns} /> : <NarrowLines run={run} />}
    </button>
  );
}

function useTimes(run: RunSummary): { took: string; started: string; startedTitle: string } {
  const { store, language } = useTools();
  const now = store.clock.now();
  const running = isRunning(run.status);
  const tookMs = (run.end_ms ?? now) - run.start_ms;
  return {
    took: running ? formatDuration(tookMs) : run.end_ms === null ? '' : formatTook(tookMs),
    started: formatAgo(run.start_ms, now, language),
    startedTitle: new Date(run.start_ms).toLocaleString(language)
  };
}

function NarrowLines(props: { run: RunSummary }): JSX.Element {
  const { run } = props;
  const { took, started, startedTitle } = useTimes(run);
  const [main] = run.metrics;
  return (
    <>
      <span className="mltrack-Row-line">
        <StatusMark status={run.status} />
        <Name text={run.name} className="mltrack-Row-name" />
        {main !== undefined && <Metric metric={main} recent={null} />}
      </span>
      <span className="mltrack-Row-line mltrack-mod-second">
        <span title={startedTitle}>{started}</span>
        <RunError run={run} />
        <span className="mltrack-Row-time">{took}</span>
      </span>
    </>
  );
}

function WideCells(props: { run: RunSummary; columns: readonly string[] }): JSX.Element {
  const { run, columns } = props;
  const { took, started, startedTitle } = useTimes(run);
  return (
    <>
      <StatusMark status={run.status} />
      <span className="mltrack-Row-line">
        <Name text={run.name} className="mltrack-Row-name" />
        <RunError run={run} />
      </span>
      {columns.map(key => {
        const metric = run.metrics.find(one => one.key === key);
        return (
          <span key={key} className="mltrack-mod-number" title={displayName(metric?.text ?? '')}>
            {metric === undefined ? '' : formatNumber(metric.value, metric.text)}
          </span>
        );
      })}
      <span className="mltrack-mod-number">{took}</span>
      <span className="mltrack-mod-number" title={startedTitle}>
        {started}
      </span>
    </>
  );
}

function RunError(props: { run: RunSummary }): JSX.Element | null {
  const { error } = props.run;
  if (error === null || error === '') {
    return null;
  }
  return (
    <span className="mltrack-Row-error" title={displayName(error)}>
      {lastLine(error)}
    </span>
  );
}
