/** One compute: its state and what it costs in a row, and what can be done to it below. */
import * as React from 'react';
import { Confirm, Facts, useAsked } from '../models/bits';
import { formatAgo } from '../format';
import { Name, ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { displayName } from '../text';
import type { ComputeInfo, Problem } from '../types';
import type { AzureStore } from './azureStore';
import type { ComputeAct } from './manageClient';
import { CloudMark, Costs } from './marks';
import { actWord, idleWords, kindWord, nodesWords, questionOf, sizeWord, stateWord } from './words';

interface IProps {
  readonly compute: ComputeInfo;
  readonly store: AzureStore;
  readonly open: boolean;
  readonly tabIndex: number;
  readonly onToggle: () => void;
}

export function ComputeRow(props: IProps): JSX.Element {
  const { trans } = useTools();
  const { compute, open } = props;
  const { size = '', costs = '' } = compute;
  const words = [sizeWord(size), nodesWords(compute, trans)].filter(one => one !== '');
  return (
    <>
      <button
        type="button"
        className="mltrack-Row mltrack-EndpointRow mltrack-AzureRow"
        aria-expanded={open}
        data-compute={compute.name}
        data-state={compute.state}
        tabIndex={props.tabIndex}
        onClick={props.onToggle}
      >
        <span className="mltrack-Row-line">
          <CloudMark state={compute.state} wrong={compute.problem !== null} />
          <Name text={compute.name} className="mltrack-Row-name" />
          <span className="mltrack-Served">{stateWord(compute.state, trans)}</span>
        </span>
        <span className="mltrack-Row-line mltrack-mod-second">
          <span className="mltrack-Row-words">
            {displayName([kindWord(compute.kind, trans), ...words].join(' · '))}
          </span>
          <Costs words={costs} />
        </span>
      </button>
      {open && <Opened compute={compute} store={props.store} />}
    </>
  );
}

function Opened(props: { compute: ComputeInfo; store: AzureStore }): JSX.Element {
  const { trans, store, language } = useTools();
  const { compute } = props;
  const { costs = '', created_ms: created = null, priority = '' } = compute;
  const facts = [
    { key: trans.__('Kind'), value: kindWord(compute.kind, trans) },
    { key: trans.__('Size'), value: compute.size ?? '' },
    { key: trans.__('Nodes'), value: nodesWords(compute, trans) },
    { key: trans.__('Priority'), value: priority },
    {
      key: trans.__('Stops'),
      value: compute.kind === 'Kubernetes' ? '' : idleWords(compute.idle_stop_s ?? null, trans)
    },
    {
      key: trans.__('Made'),
      value: created === null ? '' : formatAgo(created, store.clock.now(), language)
    }
  ].filter(one => one.value !== '');
  return (
    <div className="mltrack-Endpoint mltrack-Azure-opened">
      {compute.problem !== null && compute.problem !== undefined && (
        <ProblemView problem={compute.problem} />
      )}
      {costs !== '' && (
        <p className="mltrack-Azure-why">{trans.__('Costs money now: %1.', displayName(costs))}</p>
      )}
      <Facts pairs={facts} />
      <Acts compute={compute} store={props.store} />
    </div>
  );
}

const ACTS = ['start', 'stop', 'restart', 'delete'] as const;

/** The buttons of what can be done now; each asks before it does it. */
function Acts(props: { compute: ComputeInfo; store: AzureStore }): JSX.Element {
  const { trans } = useTools();
  const { compute, store } = props;
  const [act, setAct] = React.useState<ComputeAct | null>(null);
  const [problem, setProblem] = React.useState<Problem | null>(null);
  const { asked, button, ask, takeBack } = useAsked();
  const busy = store.busy.has(compute.name);
  const can = ACTS.filter(one => (compute.acts ?? []).includes(one));
  const labels: { readonly [name in ComputeAct]: string } = {
    start: trans.__('Start …'),
    stop: trans.__('Stop …'),
    restart: trans.__('Restart …'),
    delete: compute.kind === 'Kubernetes' ? trans.__('Detach …') : trans.__('Delete …')
  };
  const doIt = async (what: ComputeAct): Promise<void> => {
    takeBack();
    setProblem(await store.change(compute.name, what));
  };
  return (
    <>
      {problem !== null && <ProblemView problem={problem} />}
      {asked && act !== null ? (
        <Question
          compute={compute}
          act={act}
          busy={busy}
          onYes={() => void doIt(act)}
          onNo={takeBack}
        />
      ) : (
        <div className="mltrack-Buttons mltrack-mod-start">
          {can.map((one, index) => (
            <button
              key={one}
              type="button"
              className="mltrack-Button mltrack-mod-small"
              ref={one === act || (act === null && index === 0) ? button : null}
              disabled={busy}
              onClick={() => {
                setAct(one);
                ask();
              }}
            >
              {labels[one]}
            </button>
          ))}
          {(busy || can.length === 0) && (
            <span className="mltrack-Row-words" role="status">
              {busy ? trans.__('Asking Azure …') : trans.__('Nothing to do until that is over.')}
            </span>
          )}
        </div>
      )}
    </>
  );
}

function Question(props: {
  compute: ComputeInfo;
  act: ComputeAct;
  busy: boolean;
  onYes: () => void;
  onNo: () => void;
}): JSX.Element {
  const { trans } = useTools();
  const { compute, act } = props;
  const { name } = compute;
  if (act === 'delete') {
    const attached = compute.kind === 'Kubernetes';
    return (
      <Confirm
        name={name}
        question={
          attached
            ? trans.__('Detach %1? The cluster itself stays, and what it costs.', name)
            : trans.__('Delete %1 with all that is on it, and what runs there?', name)
        }
        busy={props.busy}
        onConfirm={props.onYes}
        onCancel={props.onNo}
      />
    );
  }
  return (
    <Plain compute={compute} act={act} busy={props.busy} onYes={props.onYes} onNo={props.onNo} />
  );
}

/** A question that one click answers. */
function Plain(props: {
  compute: ComputeInfo;
  act: 'start' | 'stop' | 'restart';
  busy: boolean;
  onYes: () => void;
  onNo: () => void;
}): JSX.Element {
  const { trans } = useTools();
  const { act } = props;
  const question = questionOf(props.compute, act, trans);
  return (
    <div
      className="mltrack-Confirm"
      role="group"
      aria-label={question}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          props.onNo();
        }
      }}
    >
      <p>{question}</p>
      <div className="mltrack-Buttons">
        <button type="button" className="mltrack-Button" onClick={props.onNo} autoFocus>
          {trans.__('Cancel')}
        </button>
        <button
          type="button"
          className="mltrack-Button mltrack-mod-primary"
          disabled={props.busy}
          onClick={props.onYes}
        >
          {actWord(act, trans)}
        </button>
      </div>
    </div>
  );
}
