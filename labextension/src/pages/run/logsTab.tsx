/** What a run printed, followed to its end while it runs. */
import * as React from 'react';
import { formatCount } from '../../format';
import { ProblemView, Skeleton } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { useModel, useSeen } from '../../panel/hooks';
import type { RunPageStore } from '../../store/runPageStore';
import { visible } from '../../text';
import type { OutputLine } from '../../types';
import { VirtualLines } from '../parts/virtualLines';

const FOLLOW_MS = 1000;
const SKELETON_ROW_PX = 18;

export function LogsTab(props: { page: RunPageStore }): JSX.Element {
  const { page } = props;
  const { trans, actions } = useTools();
  const { output, run } = page;
  const root = React.useRef<HTMLDivElement>(null);
  useModel(output);
  useFollowing(page, useSeen(root));
  return (
    <div className="mltrack-Logs" ref={root}>
      {output.problem !== null && <ProblemView problem={output.problem} />}
      {!output.loaded ? (
        <Skeleton rows={8} rowHeight={SKELETON_ROW_PX} />
      ) : output.lines.length === 0 ? (
        output.problem === null && (
          <p className="mltrack-Empty-line">
            {run.running
              ? trans.__('Nothing was printed yet.')
              : trans.__('Nothing was printed, or it was not kept.')}
          </p>
        )
      ) : (
        <>
          <div className="mltrack-Controls">
            <button
              type="button"
              className="mltrack-Button mltrack-mod-small"
              onClick={() => actions().copy(output.lines.map(line => line.text).join('\n'))}
            >
              {trans.__('Copy')}
            </button>
            <span>
              {trans._n(
                '%2 line',
                '%2 lines',
                output.lines.length,
                formatCount(output.lines.length)
              )}
            </span>
            {output.dropped > 0 && (
              <span>
                {trans.__('%1 lines before them are not shown', formatCount(output.dropped))}
              </span>
            )}
            {output.path !== '' && (
              <span>{trans.__('all of it: %1 among the artifacts', output.path)}</span>
            )}
          </div>
          <VirtualLines
            label={trans.__('What the run printed')}
            count={output.lines.length}
            lineOf={index => <Line line={output.lines[index]} />}
          />
        </>
      )}
    </div>
  );
}

function Line(props: { line: OutputLine | undefined }): JSX.Element | null {
  const { trans } = useTools();
  const { line } = props;
  if (line === undefined) {
    return null;
  }
  const { stream, text } = line;
  return (
    <>
      <span className="mltrack-Log-stream" title={stream}>
        {stream === 'stderr' ? trans.__('err') : ''}
      </span>
      {visible(text.replace(/\t/g, '    ')) || ' '}
    </>
  );
}

/** Ask for what came since: when the run says that something did, and every second. */
function useFollowing(page: RunPageStore, seen: boolean): void {
  const { output, run } = page;
  const { running } = run;
  React.useEffect(() => {
    if (!seen) {
      return undefined;
    }
    output.refresh();
    if (!running) {
      return undefined;
    }
    const timer = setInterval(() => {
      if (!document.hidden) {
        output.refresh();
      }
    }, FOLLOW_MS);
    return () => clearInterval(timer);
  }, [output, running, seen]);
}
