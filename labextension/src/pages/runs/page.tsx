/** The wide table of runs: the panel's list with all columns, and a file of everything that fits. */
import { copyIcon, HTMLSelect, linkIcon, refreshIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { ProblemView, Skeleton } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { useModel, useTick } from '../../panel/hooks';
import { Notice } from '../../panel/notice';
import { AskedPart, EmptyRuns } from '../../panel/runsSection';
import { ColumnChooser } from '../../runs/columnChooser';
import { CsvExport } from '../../runs/csvExport';
import { FilterBox } from '../../runs/filterBox';
import { markdownTable } from '../../runs/markdown';
import { columnWord } from '../../runs/sortChoice';
import { Table } from '../../runs/table';
import { Toolbar } from '../../runs/toolbar';
import type { Asked } from '../../runs/toolbar';
import type { RunsStore } from '../../store/runsStore';
import { isAsked } from '../../store/terms';
import { displayName, shortenMiddle } from '../../text';
import type { Problem } from '../../types';
import type { PageProps } from '../door';

const TICK_MS = 15_000;
const SKELETON_ROWS = 12;
const ROW_HEIGHT = 28;
const LONGEST_OPTION = 60;
/** Rows that are copied when none is chosen. */
const COPIED_ROWS = 50;
const ALL = '';

export function RunsPage(props: PageProps): JSX.Element {
  const runs = useList(props);
  return (
    <div className="mltrack-RunsPage">
      <Notice />
      {runs !== null && <Content {...props} runs={runs} />}
    </div>
  );
}

/** A list of its own for as long as the page is there. */
function useList(props: PageProps): RunsStore | null {
  const { store } = useTools();
  const [list, setList] = React.useState<RunsStore | null>(null);
  const first = React.useRef(props.args);
  React.useEffect(() => {
    const { workspace, experiment = null, search = '' } = first.current;
    const made = store.lists.open();
    made.begin(search);
    const start = (): void => {
      if (store.phase === 'ready') {
        store.stateChanged.disconnect(start);
        made.show(workspace, experiment);
        made.columns.need();
      }
    };
    store.stateChanged.connect(start);
    start();
    setList(made);
    return () => {
      store.stateChanged.disconnect(start);
      store.lists.close(made);
    };
  }, [store]);
  return list;
}

function Content(props: PageProps & { runs: RunsStore }): JSX.Element {
  const { runs } = props;
  const [asked, setAsked] = React.useState<Asked>(null);
  const [problem, setProblem] = React.useState<Problem | null>(null);
  useModel(runs);
  useModel(runs.columns);
  useTick(TICK_MS, true);
  useAddress(props, runs);
  const shown = runs.columns.shown;
  React.useEffect(() => {
    if (shown !== null) {
      runs.hold(shown.filter(isAsked));
    }
  }, [runs, shown]);
  return (
    <>
      <TitleRow {...props} />
      <div className="mltrack-Search">
        <FilterBox runs={runs} />
        <ColumnChooser runs={runs} />
      </div>
      <Toolbar runs={runs} asked={asked} onAsk={setAsked} sorts={false}>
        <Copies runs={runs} />
        <CsvExport runs={runs} onProblem={setProblem} />
      </Toolbar>
      {problem !== null && <ProblemView problem={problem} />}
      <AskedPart runs={runs} asked={asked} onDone={() => setAsked(null)} />
      {!runs.loaded && runs.rows.length === 0 ? (
        <Skeleton rows={SKELETON_ROWS} rowHeight={ROW_HEIGHT} />
      ) : runs.rows.length === 0 ? (
        runs.problem === null && <EmptyRuns runs={runs} />
      ) : (
        <Table runs={runs} onAsk={setAsked} />
      )}
    </>
  );
}

/** The page's address and title follow what it shows. */
function useAddress(props: PageProps, runs: RunsStore): void {
  const { store, trans } = useTools();
  const { setTitle, setArgs } = props;
  useModel(store);
  const { workspace, shownExperiment: experiment, search } = runs;
  const name =
    store.experiments.find(one => one.id === experiment)?.name ??
    store.workspaces.find(one => one.id === workspace)?.name ??
    '';
  React.useEffect(() => {
    setTitle(name === '' ? trans.__('Runs') : trans.__('Runs: %1', displayName(name)));
  }, [setTitle, name, trans]);
  React.useEffect(() => {
    if (workspace !== null) {
      setArgs({ workspace, experiment, search });
    }
  }, [setArgs, workspace, experiment, search]);
}

function TitleRow(props: { runs: RunsStore }): JSX.Element {
  const { store, trans } = useTools();
  const { runs } = props;
  const place = store.workspaces.find(one => one.id === runs.workspace);
  const own = place !== undefined && place.id === store.workspace?.id;
  return (
    <div className="mltrack-Page-title">
      <h2>{trans.__('Runs')}</h2>
      {place !== undefined && <span title={displayName(place.uri)}>{displayName(place.name)}</span>}
      {own && (
        <HTMLSelect
          className="mltrack-Select"
          aria-label={trans.__('Experiment')}
          value={runs.shownExperiment ?? ALL}
          onChange={event => {
            const id = event.currentTarget.value;
            runs.show(place.id, store.experiments.find(one => one.id === id)?.id ?? null);
          }}
        >
          <option value={ALL}>{trans.__('all experiments')}</option>
          {store.experiments.map(one => (
            <option key={one.id} value={one.id}>
              {displayName(shortenMiddle(one.name, LONGEST_OPTION))}
            </option>
          ))}
        </HTMLSelect>
      )}
      <button
        type="button"
        className="mltrack-IconButton"
        title={trans.__('Refresh')}
        aria-label={trans.__('Refresh')}
        onClick={() => runs.reload()}
      >
        <refreshIcon.react tag="span" aria-hidden="true" />
      </button>
    </div>
  );
}

/** The page's address, and its rows as a table of Markdown. */
function Copies(props: { runs: RunsStore }): JSX.Element {
  const { store, trans, language, actions } = useTools();
  const { runs } = props;
  const copyTable = (): void => {
    const columns = runs.columns.shown ?? [];
    const heads = [NAME_HEAD, STATUS_HEAD, ...columns.map(column => columnWord(column, trans))];
    const now = { ms: store.clock.now(), language };
    actions().copy(markdownTable(runs.rows.slice(0, COPIED_ROWS), columns, heads, now));
  };
  const copyLink = (): void => {
    const { workspace, shownExperiment: experiment, search } = runs;
    if (workspace !== null) {
      actions().copy(actions().linkOf('runs', { workspace, experiment, search }));
    }
  };
  const tableWords = trans.__('Copy the first %1 runs as Markdown', String(COPIED_ROWS));
  return (
    <>
      <button
        type="button"
        className="mltrack-IconButton"
        title={trans.__('Copy link')}
        aria-label={trans.__('Copy link')}
        onClick={copyLink}
      >
        <linkIcon.react tag="span" aria-hidden="true" />
      </button>
      <button
        type="button"
        className="mltrack-IconButton"
        title={tableWords}
        aria-label={tableWords}
        onClick={copyTable}
      >
        <copyIcon.react tag="span" aria-hidden="true" />
      </button>
    </>
  );
}

const NAME_HEAD = 'name';
const STATUS_HEAD = 'status';
