/** The run as a file that the browser keeps. */
import * as React from 'react';
import { ProblemView } from '../../panel/bits';
import { useTools } from '../../panel/context';
import type { ExportForm } from '../../runClient';
import { saveFile } from '../../saving';
import { problemOf } from '../../store/resource';
import type { RunPageStore } from '../../store/runPageStore';
import type { Problem } from '../../types';

const MEDIA_TYPES: Readonly<Record<ExportForm, string>> = {
  html: 'text/html',
  notebook: 'application/x-ipynb+json',
  script: 'text/x-python'
};

export function ExportLinks(props: { page: RunPageStore }): JSX.Element {
  const { page } = props;
  const { trans } = useTools();
  const { asked, problem, ask } = useExport(page);
  const forms: readonly { to: ExportForm; title: string; help: string }[] = [
    {
      to: 'html',
      title: trans.__('Page (.html)'),
      help: trans.__('Curves, numbers and source; needs no server and no network')
    },
    {
      to: 'notebook',
      title: trans.__('Notebook (.ipynb)'),
      help: trans.__('The cells that made it, with its results')
    },
    {
      to: 'script',
      title: trans.__('Script (.py)'),
      help: trans.__('The cells that made it, as Python without IPython')
    }
  ];
  return (
    <>
      <ul className="mltrack-Exports" aria-label={trans.__('Export the run')}>
        {forms.map(({ to, title, help }) => (
          <li key={to}>
            <button
              type="button"
              className="mltrack-Link"
              data-export={to}
              aria-disabled={asked !== null}
              onClick={() => void ask(to)}
            >
              {title}
            </button>
            <span>{asked === to ? trans.__('Writing it …') : help}</span>
          </li>
        ))}
      </ul>
      {problem !== null && <ProblemView problem={problem} />}
    </>
  );
}

/** Fetches a form and saves it: a link alone would keep to itself why there is no file. */
function useExport(page: RunPageStore): {
  asked: ExportForm | null;
  problem: Problem | null;
  ask: (to: ExportForm) => Promise<void>;
} {
  const { runClient, trans, actions } = useTools();
  const [asked, setAsked] = React.useState<ExportForm | null>(null);
  const [problem, setProblem] = React.useState<Problem | null>(null);
  const abort = React.useRef(new AbortController());
  React.useEffect(() => {
    const controller = (abort.current = new AbortController());
    return () => controller.abort();
  }, [page]);
  const ask = async (to: ExportForm): Promise<void> => {
    const { signal } = abort.current;
    if (asked !== null) {
      return;
    }
    setAsked(to);
    setProblem(null);
    try {
      const run = { workspace: page.workspace, runId: page.runId };
      const { name, text } = await runClient.exported(run, to, signal);
      saveFile(name, [text], MEDIA_TYPES[to]);
      actions().notify({ message: trans.__('%1 is among your downloads.', name) });
    } catch (error) {
      if (!signal.aborted) {
        setProblem(problemOf(error));
      }
    }
    if (!signal.aborted) {
      setAsked(null);
    }
  };
  return { asked, problem, ask };
}
