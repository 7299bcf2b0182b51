/** Curves of compared runs over each other, one chart for each metric. */
import * as React from 'react';
import { ChartGroup } from '../../chart/group';
import { useTools } from '../../panel/context';
import { useModel } from '../../panel/hooks';
import type { CompareStore } from '../../store/compareStore';
import { displayName, readableKey } from '../../text';
import { ChartControls } from '../parts/chartControls';
import type { AxisChoice } from '../parts/chartControls';
import { chartWords } from '../parts/words';
import { CurveSource, prepareAxis, progressKeys } from './curves';
import type { CurveAxis } from './curves';

const METRIC = 'metric ';

/** Metrics in the order in which the first run that has them lists them. */
function metricKeys(compare: CompareStore, search: string): string[] {
  const words = search.toLowerCase().split(/\s+/);
  const keys = compare.runs.flatMap(run => run.summary.metrics.map(metric => metric.key));
  return [...new Set(keys)].filter(key =>
    words.every(word => readableKey(key).toLowerCase().includes(word))
  );
}

export function CurvesTab(props: { compare: CompareStore }): JSX.Element {
  const { compare } = props;
  const { store, trans } = useTools();
  const { options } = store;
  useModel(compare);
  useModel(options);
  const [search, setSearch] = React.useState('');
  const [axis, setAxis] = React.useState<CurveAxis>(
    options.value.xAxis === 'time' ? 'relative' : 'step'
  );
  const keys = metricKeys(compare, search);
  const host = useCurves(compare, keys, axis);
  const axes = useAxes(compare);
  const { smoothing, logY } = options.value;
  return (
    <div className="mltrack-Curves">
      <ChartControls
        axes={axes}
        axis={typeof axis === 'string' ? axis : `${METRIC}${axis.metric}`}
        onAxis={id => setAxis(axisOf(id))}
        logY={logY}
        onLogY={value => options.set({ logY: value })}
        smoothing={smoothing}
        onSmoothing={value => options.set({ smoothing: value })}
      >
        <input
          type="search"
          className="jp-mod-styled mltrack-Input mltrack-mod-search"
          value={search}
          spellCheck={false}
          placeholder={trans.__('Search metrics')}
          aria-label={trans.__('Search metrics')}
          onChange={event => setSearch(event.currentTarget.value)}
        />
      </ChartControls>
      {keys.length === 0 && (
        <p className="mltrack-Empty-line">
          {search === ''
            ? trans.__('None of the runs has logged a metric yet.')
            : trans.__('No metric fits the search.')}
        </p>
      )}
      <div ref={host} className="mltrack-Charts mltrack-mod-grid" />
    </div>
  );
}

function axisOf(id: string): CurveAxis {
  switch (id) {
    case 'step':
    case 'relative':
    case 'wall':
      return id;
    default:
      return { metric: id.slice(METRIC.length) };
  }
}

function useAxes(compare: CompareStore): AxisChoice[] {
  const { trans } = useTools();
  return [
    { id: 'step', title: trans.__('step') },
    { id: 'relative', title: trans.__('time since start') },
    { id: 'wall', title: trans.__('time of day') },
    ...progressKeys(metricKeys(compare, '')).map(key => ({
      id: `${METRIC}${key}`,
      title: displayName(readableKey(key))
    }))
  ];
}

/** The charts while they are shown; they follow the checks, the axis and the points. */
function useCurves(
  compare: CompareStore,
  keys: readonly string[],
  axis: CurveAxis
): React.RefObject<HTMLDivElement> {
  const { store, trans } = useTools();
  const host = React.useRef<HTMLDivElement>(null);
  const [source, setSource] = React.useState<CurveSource | null>(null);
  const group = React.useRef<ChartGroup | null>(null);
  React.useEffect(() => {
    if (host.current === null) {
      return undefined;
    }
    const made = new CurveSource(compare);
    const charts = new ChartGroup(host.current, made, store.options.value, chartWords(trans));
    made.onChanged = () => charts.update();
    group.current = charts;
    compare.stateChanged.connect(made.onChanged);
    setSource(made);
    return () => {
      compare.stateChanged.disconnect(made.onChanged);
      group.current = null;
      charts.dispose();
      made.dispose();
    };
  }, [compare, store, trans]);
  const named = keys.join('\n');
  React.useEffect(() => {
    source?.set(named === '' ? [] : named.split('\n'), axis);
  }, [source, named, axis]);
  const { value } = store.options;
  React.useEffect(() => {
    group.current?.setOptions({ ...value, ...prepareAxis(axis) });
  }, [source, value, axis]);
  return host;
}
