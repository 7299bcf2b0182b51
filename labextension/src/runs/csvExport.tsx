/** Everything that fits the filter as a file of comma-separated values, fetched page by page. */
import { downloadIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { formatCount } from '../format';
import { useTools } from '../panel/context';
import { saveFile } from '../saving';
import { ApiError } from '../client';
import { isAsked } from '../store/terms';
import type { ColumnId } from '../store/terms';
import type { RunsStore } from '../store/runsStore';
import type { Problem } from '../types';
import { BYTE_ORDER_MARK, csvHead, csvRow } from './csv';

/** As many as the server gives at once. */
const PAGE = 200;

interface Progress {
  readonly done: number;
  readonly total: number | null;
}

export function CsvExport(props: {
  runs: RunsStore;
  onProblem: (problem: Problem | null) => void;
}): JSX.Element {
  const { trans, actions } = useTools();
  const { runs } = props;
  const [progress, setProgress] = React.useState<Progress | null>(null);
  const abort = React.useRef<AbortController | null>(null);
  React.useEffect(() => () => abort.current?.abort(), []);
  const start = async (): Promise<void> => {
    const controller = new AbortController();
    abort.current = controller;
    props.onProblem(null);
    try {
      setProgress({ done: 0, total: null });
      const { parts, count } = await collect(runs, controller.signal, setProgress);
      saveFile(`runs-${new Date().toISOString().slice(0, 10)}.csv`, parts, 'text/csv');
      actions().notify({
        message: trans._n('%2 run exported', '%2 runs exported', count, formatCount(count))
      });
    } catch (error) {
      if (!controller.signal.aborted) {
        if (!(error instanceof ApiError)) {
          throw error;
        }
        props.onProblem(error.problem); // Half a file would look like a whole one.
      }
    }
    setProgress(null);
  };
  if (progress !== null) {
    const cancel = (): void => {
      abort.current?.abort();
      setProgress(null);
    };
    return <Exporting progress={progress} onCancel={cancel} />;
  }
  const label = trans.__('Export all runs that fit as CSV');
  return (
    <button
      type="button"
      className="mltrack-Button mltrack-mod-small mltrack-mod-icon"
      title={label}
      aria-label={label}
      onClick={() => void start()}
    >
      <downloadIcon.react tag="span" aria-hidden="true" />
      CSV
    </button>
  );
}

function Exporting(props: { progress: Progress; onCancel: () => void }): JSX.Element {
  const { trans } = useTools();
  const { done, total } = props.progress;
  const all = total === null ? '…' : formatCount(total);
  return (
    <span className="mltrack-Export" role="status">
      {trans.__('Exporting: %1 of %2', formatCount(done), all)}
      <button type="button" className="mltrack-Link" onClick={props.onCancel}>
        {trans.__('Cancel')}
      </button>
    </span>
  );
}

async function collect(
  runs: RunsStore,
  signal: AbortSignal,
  tell: (progress: Progress) => void
): Promise<{ parts: string[]; count: number }> {
  const columns: ColumnId[] = (runs.columns.shown ?? []).filter(isAsked);
  const parts = [BYTE_ORDER_MARK, csvHead(columns)];
  // Runs that come or go meanwhile shift pages: none is written twice.
  const written = new Set<string>();
  let pageToken: string | null = null;
  do {
    const wanted = { pageToken, limit: PAGE, columns, roots: false };
    const page = await runs.fetchPage(wanted, signal);
    if (page === null) {
      break;
    }
    if (page.problem !== null) {
      throw new ApiError('problem', page.problem);
    }
    for (const run of page.runs.filter(one => !written.has(one.run_id))) {
      written.add(run.run_id);
      parts.push(csvRow(run, columns));
    }
    pageToken = page.next_page_token;
    tell({ done: written.size, total: page.total });
  } while (pageToken !== null);
  return { parts, count: written.size };
}
