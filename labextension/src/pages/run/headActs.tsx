/** What can be done to a run and with it: buttons, and what one of them opens below. */
import * as React from 'react';
import { ProblemView } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { useModel } from '../../panel/hooks';
import { canStop, StopRun } from '../../panel/stopRun';
import { isRunning } from '../../store/liveStore';
import type { RunPageStore } from '../../store/runPageStore';
import { displayName } from '../../text';
import type { RunDetail } from '../../types';
import { CompareWith } from './compareWith';
import { ExportLinks } from './exportLinks';
import { markdownOf } from './markdown';
import { snippetsOf } from './snippets';

type Opened = 'code' | 'compare' | 'delete' | 'export' | null;

export function HeadActs(props: { page: RunPageStore; detail: RunDetail }): JSX.Element {
  const { page, detail } = props;
  const { store, trans } = useTools();
  useModel(page.acts);
  useModel(store.live);
  const live = store.live.runs.find(({ summary }) => summary.run_id === page.runId);
  const [opened, setOpened] = React.useState<Opened>(null);
  const root = React.useRef<HTMLDivElement>(null);
  const close = (): void => {
    root.current?.querySelector<HTMLElement>(`[data-act="${opened ?? ''}"]`)?.focus();
    setOpened(null);
  };
  const { acts } = page;
  return (
    <div
      ref={root}
      onKeyDown={event => {
        if (event.key === 'Escape' && opened !== null) {
          event.stopPropagation();
          close();
        }
      }}
    >
      <div
        className="mltrack-Buttons mltrack-mod-start"
        role="toolbar"
        aria-label={trans.__('Run')}
      >
        <Toggle id="compare" opened={opened} onToggle={setOpened}>
          {trans.__('Compare with …')}
        </Toggle>
        <Toggle id="code" opened={opened} onToggle={setOpened}>
          {trans.__('Use in code …')}
        </Toggle>
        <Toggle id="export" opened={opened} onToggle={setOpened}>
          {trans.__('Export …')}
        </Toggle>
        <CopyButtons page={page} detail={detail} />
        {live !== undefined && isRunning(live.summary.status) && canStop(live) && (
          <StopRun run={live} small />
        )}
        {page.gone ? null : (
          <Toggle id="delete" opened={opened} onToggle={setOpened}>
            {trans.__('Delete …')}
          </Toggle>
        )}
      </div>
      {opened === 'code' && <Code detail={detail} />}
      {opened === 'export' && <ExportLinks page={page} />}
      {opened === 'compare' && <CompareWith run={detail.summary} onClose={close} />}
      {opened === 'delete' && <Delete page={page} name={detail.summary.name} onClose={close} />}
      {acts.problem !== null && !page.gone && <ProblemView problem={acts.problem} />}
    </div>
  );
}

function CopyButtons(props: { page: RunPageStore; detail: RunDetail }): JSX.Element {
  const { page, detail } = props;
  const { trans, actions } = useTools();
  const { about, metrics, runId, workspace } = page;
  return (
    <>
      <SmallButton
        onClick={() => actions().copy(markdownOf(detail, about.value, metrics.rows, trans))}
      >
        {trans.__('Copy as Markdown')}
      </SmallButton>
      <SmallButton
        onClick={() => actions().copy(actions().linkOf('run', { workspace, runIds: [runId] }))}
      >
        {trans.__('Copy link')}
      </SmallButton>
    </>
  );
}

function SmallButton(props: { onClick: () => void; children: React.ReactNode }): JSX.Element {
  return (
    <button type="button" className="mltrack-Button mltrack-mod-small" onClick={props.onClick}>
      {props.children}
    </button>
  );
}

function Toggle(props: {
  id: Exclude<Opened, null>;
  opened: Opened;
  onToggle: (opened: Opened) => void;
  children: React.ReactNode;
}): JSX.Element {
  const { id, opened } = props;
  return (
    <button
      type="button"
      className="mltrack-Button mltrack-mod-small"
      data-act={id}
      aria-expanded={opened === id}
      onClick={() => props.onToggle(opened === id ? null : id)}
    >
      {props.children}
    </button>
  );
}

/** Lines of Python that fetch the run, its model and its files. */
function Code(props: { detail: RunDetail }): JSX.Element {
  const { trans, actions } = useTools();
  return (
    <div className="mltrack-Snippets" role="group" aria-label={trans.__('Use in code')}>
      {snippetsOf(props.detail, trans).map(({ title, code }) => (
        <div key={title} className="mltrack-Snippet">
          <div className="mltrack-Snippet-head">
            <span>{title}</span>
            <SmallButton onClick={() => actions().copy(code)}>{trans.__('Copy')}</SmallButton>
          </div>
          <pre className="mltrack-Lines" tabIndex={0} aria-label={title}>
            {code}
          </pre>
        </div>
      ))}
    </div>
  );
}

/** Deleting can be taken back: one question, no name to type. */
function Delete(props: { page: RunPageStore; name: string; onClose: () => void }): JSX.Element {
  const { page, name, onClose } = props;
  const { trans, actions } = useTools();
  const remove = async (): Promise<void> => {
    onClose();
    if (await page.acts.remove()) {
      actions().notify({
        message: trans.__('The run %1 is deleted.', displayName(name)),
        undo: () => void page.acts.restore()
      });
    }
  };
  return (
    <div className="mltrack-Confirm" role="group" aria-label={trans.__('Delete the run')}>
      <p className="mltrack-Notice-line">
        {trans.__('Delete the run %1? It can be restored afterwards.', displayName(name))}
      </p>
      <div className="mltrack-Buttons">
        <button type="button" className="mltrack-Button" autoFocus onClick={onClose}>
          {trans.__('Cancel')}
        </button>
        <button
          type="button"
          className="mltrack-Button mltrack-mod-danger"
          onClick={() => void remove()}
        >
          {trans.__('Delete')}
        </button>
      </div>
    </div>
  );
}
