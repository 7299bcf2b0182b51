/** Choose runs of the same workspace to see beside this one. */
import * as React from 'react';
import { formatAgo } from '../../format';
import { Metric, Name, ProblemView, StatusMark } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { useModel } from '../../panel/hooks';
import { Resource } from '../../store/resource';
import { displayName } from '../../text';
import type { RunId, RunPage, RunSummary } from '../../types';

const SEARCH_DELAY_MS = 250;
const LISTED = 30;
const MOST_OTHERS = 49;

/** The newest runs of the experiment that fit the words. */
function useFound(run: RunSummary, search: string): Resource<RunPage> | null {
  const { client } = useTools();
  const [found, setFound] = React.useState<Resource<RunPage> | null>(null);
  const { workspace_id: workspace, experiment_id: experiment } = run;
  React.useEffect(() => {
    const query = { workspace, experiment, search, pageToken: null, limit: LISTED };
    const made = new Resource(signal => client.runs(query, signal));
    const timer = setTimeout(
      () => void made.load().then(() => (made.isDisposed ? undefined : setFound(made))),
      search === '' ? 0 : SEARCH_DELAY_MS
    );
    return () => {
      clearTimeout(timer);
      made.dispose();
    };
  }, [client, workspace, experiment, search]);
  return found;
}

export function CompareWith(props: { run: RunSummary; onClose: () => void }): JSX.Element {
  const { run, onClose } = props;
  const { trans, actions } = useTools();
  const [search, setSearch] = React.useState('');
  const [chosen, setChosen] = React.useState<ReadonlySet<RunId>>(new Set());
  const found = useFound(run, search.trim());
  useModel(found);
  const others = (found?.value?.runs ?? []).filter(one => one.run_id !== run.run_id);
  const toggle = (runId: RunId): void => {
    const next = new Set(chosen);
    if (!next.delete(runId) && next.size < MOST_OTHERS) {
      next.add(runId);
    }
    setChosen(next);
  };
  return (
    <form
      className="mltrack-CompareWith"
      aria-label={trans.__('Compare with other runs')}
      onSubmit={event => {
        event.preventDefault();
        if (chosen.size > 0) {
          const runIds = [run.run_id, ...chosen];
          actions().openPage('compare', { workspace: run.workspace_id, runIds });
          onClose();
        }
      }}
    >
      <input
        type="search"
        className="jp-mod-styled mltrack-Input"
        value={search}
        autoFocus
        spellCheck={false}
        placeholder={trans.__('Name, or metrics.acc > 0.9')}
        aria-label={trans.__('Search runs of the same experiment')}
        onChange={event => setSearch(event.currentTarget.value)}
      />
      {found?.problem && <ProblemView problem={found.problem} />}
      <Choices
        runs={others}
        answered={found !== null && found.value !== null}
        chosen={chosen}
        onToggle={toggle}
      />
      <div className="mltrack-Buttons">
        <button type="button" className="mltrack-Button" onClick={onClose}>
          {trans.__('Cancel')}
        </button>
        <button
          type="submit"
          className="mltrack-Button mltrack-mod-primary"
          disabled={chosen.size === 0}
        >
          {trans.__('Compare')}
        </button>
      </div>
    </form>
  );
}

function Choices(props: {
  runs: readonly RunSummary[];
  /** False while the first answer is awaited. */
  answered: boolean;
  chosen: ReadonlySet<RunId>;
  onToggle: (runId: RunId) => void;
}): JSX.Element {
  const { runs, chosen } = props;
  const { trans } = useTools();
  return (
    <ul className="mltrack-CompareWith-list" aria-label={trans.__('Runs of the same experiment')}>
      {runs.map(one => (
        <Choice
          key={one.run_id}
          run={one}
          checked={chosen.has(one.run_id)}
          onToggle={() => props.onToggle(one.run_id)}
        />
      ))}
      {props.answered && runs.length === 0 && (
        <li className="mltrack-Empty-line">{trans.__('No other run fits.')}</li>
      )}
    </ul>
  );
}

function Choice(props: { run: RunSummary; checked: boolean; onToggle: () => void }): JSX.Element {
  const { run } = props;
  const { store, language } = useTools();
  const [main] = run.metrics;
  return (
    <li>
      <label className="mltrack-Check mltrack-CompareWith-row">
        <input
          type="checkbox"
          checked={props.checked}
          aria-label={displayName(run.name)}
          onChange={props.onToggle}
        />
        <StatusMark status={run.status} />
        <Name text={run.name} className="mltrack-Row-name" />
        {main !== undefined && <Metric metric={main} recent={null} />}
        <span className="mltrack-Row-time">
          {formatAgo(run.start_ms, store.clock.now(), language)}
        </span>
      </label>
    </li>
  );
}
