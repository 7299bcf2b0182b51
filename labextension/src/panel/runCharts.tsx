/** What an opened run shows: its charts with their controls, its parameters, its error. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect } from '@jupyterlab/ui-components';
import * as React from 'react';
import { ChartGroup, familySource } from '../chart/group';
import type { GroupWords } from '../chart/group';
import { formatCount } from '../format';
import type { RunStore } from '../store/runStore';
import { displayName, readableKey, shortenMiddle, visible } from '../text';
import type { Pair, RunDetail, RunSummary } from '../types';
import { Name, ProblemView } from './bits';
import { useTools } from './context';
import { useModel } from './hooks';

const CHART_SKELETON_HEIGHT = 180;
const LONGEST_VALUE = 400;
const PARAMS_AT_ONCE = 100;

/** Take the run's store while this is shown. */
function useRun(run: RunSummary): RunStore | null {
  const { store } = useTools();
  const [opened, setOpened] = React.useState<RunStore | null>(null);
  const { run_id, workspace_id } = run;
  React.useEffect(() => {
    setOpened(store.openRuns.take(workspace_id, run_id));
    return () => {
      setOpened(null);
      store.openRuns.release(run_id);
    };
  }, [store, workspace_id, run_id]);
  return opened;
}

export function OpenedRun(props: { run: RunSummary }): JSX.Element {
  const { trans } = useTools();
  const run = useRun(props.run);
  useModel(run);
  const error = run?.detail?.summary.error ?? props.run.error;
  const label = trans.__('Run %1', displayName(props.run.name));
  return (
    <div className="mltrack-Run" role="group" aria-label={label}>
      {error !== null && error !== '' && <p className="mltrack-Run-error">{displayName(error)}</p>}
      {run?.problem && <ProblemView problem={run.problem} />}
      {run === null || !run.loaded ? (
        run?.problem ? null : (
          <div
            className="mltrack-Skeleton-chart"
            style={{ height: CHART_SKELETON_HEIGHT }}
            role="status"
            aria-label={trans.__('Loading charts')}
          />
        )
      ) : (
        <Charts run={run} />
      )}
      {run?.detail && <Params pairs={run.detail.params} />}
      {run?.detail && <RunParts run={run.detail} />}
      {run?.detail?.link && <RunLink link={run.detail.link} />}
    </div>
  );
}

function words(trans: TranslationBundle): GroupWords {
  return {
    resetZoom: trans.__('Reset zoom'),
    step: trans.__('step'),
    time: trans.__('time'),
    describe: (names, x, newest) =>
      trans.__('Chart of %1 over %2, newest values %3', displayName(names), x, displayName(newest)),
    more: count => trans.__('Show %1 more charts', formatCount(count))
  };
}

function Charts(props: { run: RunStore }): JSX.Element {
  const { store, trans } = useTools();
  const { run } = props;
  const host = React.useRef<HTMLDivElement>(null);
  useModel(store.options);
  React.useEffect(() => {
    if (host.current === null) {
      return undefined;
    }
    const source = familySource(run.data);
    const group = new ChartGroup(host.current, source, store.options.value, words(trans));
    const onPoints = (): void => group.update();
    const onOptions = (): void => group.setOptions(store.options.value);
    run.pointsChanged.connect(onPoints);
    store.options.stateChanged.connect(onOptions);
    return () => {
      run.pointsChanged.disconnect(onPoints);
      store.options.stateChanged.disconnect(onOptions);
      group.dispose();
    };
  }, [run, store, trans]);
  return (
    <>
      {run.data.keys.length > 0 ? (
        <ChartControls run={run} />
      ) : (
        <p className="mltrack-Empty-line">{trans.__('No metric was logged yet.')}</p>
      )}
      <div ref={host} className="mltrack-Charts" />
      {run.hiddenColumns > 0 && (
        <p className="mltrack-Empty-line">
          {trans.__('%1 more metrics are not drawn.', formatCount(run.hiddenColumns))}
        </p>
      )}
      {run.note !== '' && <p className="mltrack-Empty-line">{displayName(run.note)}</p>}
    </>
  );
}

function ChartControls(props: { run: RunStore }): JSX.Element {
  const { store, trans } = useTools();
  const { options } = store;
  const { xAxis, smoothing, logY } = options.value;
  return (
    <div className="mltrack-Controls" role="toolbar" aria-label={trans.__('Charts')}>
      <label className="mltrack-Control">
        <span>x</span>
        <HTMLSelect
          className="mltrack-Select"
          value={xAxis}
          aria-label={trans.__('Horizontal axis')}
          onChange={event =>
            options.set({ xAxis: event.currentTarget.value === 'time' ? 'time' : 'step' })
          }
        >
          <option value="step">{trans.__('step')}</option>
          <option value="time">{trans.__('time')}</option>
        </HTMLSelect>
      </label>
      <label className="mltrack-Control" title={trans.__('Logarithmic vertical axis')}>
        <input
          type="checkbox"
          checked={logY}
          onChange={event => options.set({ logY: event.currentTarget.checked })}
        />
        <span>{trans.__('log y')}</span>
      </label>
      <label className="mltrack-Control mltrack-mod-grow" title={trans.__('Smoothing')}>
        <span>{trans.__('smooth')}</span>
        <input
          type="range"
          min={0}
          max={0.99}
          step={0.01}
          value={smoothing}
          aria-label={trans.__('Smoothing')}
          onChange={event => options.set({ smoothing: Number(event.currentTarget.value) })}
        />
      </label>
      <PointCount run={props.run} />
    </div>
  );
}

/** How many points the run has; follows them at a reader's pace. */
function PointCount(props: { run: RunStore }): JSX.Element {
  const { trans } = useTools();
  const { run } = props;
  const [count, setCount] = React.useState(run.data.total);
  React.useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null;
    const show = (): void => {
      timer = null;
      setCount(run.data.total);
    };
    const slot = (): void => {
      timer ??= setTimeout(show, 200);
    };
    show();
    run.pointsChanged.connect(slot);
    return () => {
      run.pointsChanged.disconnect(slot);
      if (timer !== null) {
        clearTimeout(timer);
      }
    };
  }, [run]);
  return (
    <span className="mltrack-PointCount" data-count={count}>
      {trans._n('%2 point', '%2 points', count, formatCount(count))}
    </span>
  );
}

function Params(props: { pairs: readonly Pair[] }): JSX.Element | null {
  const { trans } = useTools();
  const { pairs } = props;
  if (pairs.length === 0) {
    return null;
  }
  return (
    <details className="mltrack-Params" open={pairs.length <= 12}>
      <summary>{trans.__('Parameters (%1)', formatCount(pairs.length))}</summary>
      <table>
        <tbody>
          {pairs.slice(0, PARAMS_AT_ONCE).map(({ key, value }) => (
            <tr key={key}>
              <th scope="row">
                <Name text={readableKey(key)} />
              </th>
              <td>
                <bdi title={displayName(value)}>{visible(shortenMiddle(value, LONGEST_VALUE))}</bdi>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {pairs.length > PARAMS_AT_ONCE && (
        <p className="mltrack-Empty-line">
          {trans.__('%1 more are not shown.', formatCount(pairs.length - PARAMS_AT_ONCE))}
        </p>
      )}
    </details>
  );
}

/** What other sections have to say of the run. */
function RunParts(props: { run: RunDetail }): JSX.Element {
  const { runParts } = useTools();
  useModel(runParts);
  return (
    <>
      {runParts.parts.map(part => (
        <React.Fragment key={part.id}>{part.content(props.run)}</React.Fragment>
      ))}
    </>
  );
}

/** Only web addresses become links: a server could name any scheme. */
function RunLink(props: { link: string }): JSX.Element | null {
  const { trans } = useTools();
  if (!/^https?:\/\//i.test(props.link)) {
    return null;
  }
  return (
    <a className="mltrack-Link" href={props.link} target="_blank" rel="noopener noreferrer">
      {trans.__('Open in MLflow')}
    </a>
  );
}
