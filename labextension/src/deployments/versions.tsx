/** The versions behind an endpoint: how they are, and how requests are shared out over them. */
import * as React from 'react';
import { Chip, Confirm, Fold, Lines } from '../models/bits';
import { formatBytes } from '../format';
import { statsWords, stateWord, versionWord } from '../models/words';
import { Name, ProblemView } from '../panel/bits';
import { useTools } from '../panel/context';
import { allTo, previousOf, primaryOf, rebalance, sameShares } from '../store/traffic';
import type { Shares } from '../store/traffic';
import type { EndpointStore } from '../store/endpointStore';
import { displayName } from '../text';
import type { DeploymentInfo, EndpointInfo } from '../types';
import { StateMark } from './stateMark';

interface Split {
  readonly shares: Shares;
  readonly shadow: ReadonlySet<string>;
}

function splitOf(deployments: readonly DeploymentInfo[]): Split {
  return {
    shares: new Map(deployments.map(one => [one.label, one.traffic_percent])),
    shadow: new Set(deployments.filter(one => one.shadow).map(one => one.label))
  };
}

function sameSplit(a: Split, b: Split): boolean {
  const shadow = a.shadow.size === b.shadow.size && [...a.shadow].every(one => b.shadow.has(one));
  return shadow && sameShares(a.shares, b.shares);
}

export function Versions(props: { endpoint: EndpointInfo; store: EndpointStore }): JSX.Element {
  const { trans } = useTools();
  const { endpoint, store } = props;
  const { deployments } = endpoint;
  const now = splitOf(deployments);
  const [draft, setDraft] = React.useState<Split | null>(null);
  // Versions came or went meanwhile: what was drafted is about another set.
  const usable =
    draft !== null && [...draft.shares.keys()].join() === [...now.shares.keys()].join();
  const split = usable ? draft : now;
  const send = (shares: Shares, shadow: ReadonlySet<string>): void => {
    void store.setTraffic(shares, [...shadow]).then(() => setDraft(null));
  };
  const give = (label: string): void => {
    const shadow = new Set(split.shadow);
    shadow.delete(label);
    send(allTo(now.shares, label), shadow);
  };
  return (
    <div className="mltrack-Versions">
      {deployments.map(one => (
        <Version
          key={one.label}
          one={one}
          split={split}
          alone={deployments.length === 1}
          store={store}
          onSplit={setDraft}
          onPromote={() => give(one.label)}
        />
      ))}
      {deployments.length === 0 && (
        <p className="mltrack-Empty-line">{trans.__('No version is behind it.')}</p>
      )}
      {deployments.length > 1 && (
        <TrafficActs
          deployments={deployments}
          changed={!sameSplit(split, now)}
          busy={store.acting}
          onApply={() => send(split.shares, split.shadow)}
          onReset={() => setDraft(null)}
          onBack={give}
        />
      )}
    </div>
  );
}

function TrafficActs(props: {
  deployments: readonly DeploymentInfo[];
  changed: boolean;
  busy: boolean;
  onApply: () => void;
  onReset: () => void;
  onBack: (label: string) => void;
}): JSX.Element {
  const { trans } = useTools();
  const { deployments, changed, busy } = props;
  const previous = previousOf(deployments);
  return (
    <div className="mltrack-Buttons">
      {previous !== null && !changed && (
        <button
          type="button"
          className="mltrack-Button mltrack-mod-small"
          disabled={busy}
          onClick={() => props.onBack(previous.label)}
        >
          {trans.__('Roll back to %1', displayName(versionWord(previous.label)))}
        </button>
      )}
      {changed && (
        <>
          <button
            type="button"
            className="mltrack-Button mltrack-mod-small"
            disabled={busy}
            onClick={props.onReset}
          >
            {trans.__('Reset')}
          </button>
          <button
            type="button"
            className="mltrack-Button mltrack-mod-small mltrack-mod-primary"
            disabled={busy}
            onClick={props.onApply}
          >
            {trans.__('Apply')}
          </button>
        </>
      )}
    </div>
  );
}

interface VersionProps {
  one: DeploymentInfo;
  split: Split;
  alone: boolean;
  store: EndpointStore;
  onSplit: (split: Split) => void;
  onPromote: () => void;
}

function Version(props: VersionProps): JSX.Element {
  const { trans } = useTools();
  const { one, split, alone } = props;
  return (
    <div className="mltrack-Deployed" data-label={one.label}>
      <div className="mltrack-Row-line">
        <StateMark state={one.state} />
        <span className="mltrack-Version-number">{displayName(versionWord(one.label))}</span>
        <Name text={one.model || one.uri} className="mltrack-Row-name" />
        {split.shadow.has(one.label) && <Chip text={trans.__('shadow')} />}
      </div>
      <p className="mltrack-Deployed-words">{stateWords(one, trans)}</p>
      {one.problem !== null && <ProblemView problem={one.problem} />}
      {one.log_tail.length > 0 && (
        <Fold title={trans.__('Log')}>
          <Lines lines={one.log_tail} label={trans.__('Log')} atEnd />
        </Fold>
      )}
      {!alone && <Share {...props} />}
    </div>
  );
}

function stateWords(one: DeploymentInfo, trans: ReturnType<typeof useTools>['trans']): string {
  const words = [stateWord(one.state, trans)];
  if (one.state !== 'stopped') {
    words.push(
      trans._n(
        '%2 of %3 replica',
        '%2 of %3 replicas',
        one.replicas,
        String(one.replicas_ready),
        String(one.replicas)
      )
    );
  }
  if (one.memory_bytes !== null) {
    words.push(formatBytes(one.memory_bytes));
  }
  if (one.restarts > 0) {
    words.push(trans._n('%2 restart', '%2 restarts', one.restarts, String(one.restarts)));
  }
  words.push(...statsWords(one.stats, trans));
  if (one.detail !== '') {
    words.push(displayName(one.detail));
  }
  return words.join(' · ');
}

/** A version among others: its share, and what can be done to it. */
function Share(props: VersionProps): JSX.Element {
  const { trans } = useTools();
  const { one, split, store } = props;
  const { label } = one;
  const share = split.shares.get(label) ?? 0;
  const [asked, setAsked] = React.useState(false);
  return (
    <>
      <label className="mltrack-Slider">
        <input
          type="range"
          min={0}
          max={100}
          step={1}
          value={share}
          disabled={split.shadow.has(label)}
          aria-label={trans.__('Traffic of %1', displayName(versionWord(label)))}
          aria-valuetext={`${share} %`}
          onChange={event =>
            props.onSplit({
              ...split,
              shares: rebalance(split.shares, label, Number(event.currentTarget.value))
            })
          }
        />
        <output>{share} %</output>
      </label>
      <VersionActs {...props} onTakeAway={asked ? null : () => setAsked(true)} />
      {asked && (
        <Confirm
          name={store.name}
          question={trans.__('%1 goes from behind the endpoint.', displayName(versionWord(label)))}
          busy={store.acting}
          onConfirm={() => {
            void store.remove(label, store.name).then(() => setAsked(false));
          }}
          onCancel={() => setAsked(false)}
        />
      )}
    </>
  );
}

/** What becomes of a split when a version begins or ends to be a shadow. */
function withShadow(split: Split, label: string, shadow: boolean): Split {
  const next = new Set(split.shadow);
  if (shadow) {
    next.add(label);
  } else {
    next.delete(label);
  }
  const takes = (split.shares.get(label) ?? 0) > 0;
  return {
    shares: shadow && takes ? rebalance(split.shares, label, 0) : split.shares,
    shadow: next
  };
}

function VersionActs(props: VersionProps & { onTakeAway: (() => void) | null }): JSX.Element {
  const { trans } = useTools();
  const { one, split, store, onTakeAway } = props;
  const { label } = one;
  return (
    <div className="mltrack-Buttons mltrack-mod-start">
      <button
        type="button"
        className="mltrack-Button mltrack-mod-small"
        disabled={store.acting || one.traffic_percent === 100}
        onClick={props.onPromote}
      >
        {trans.__('Promote')}
      </button>
      <label className="mltrack-Check">
        <input
          type="checkbox"
          checked={split.shadow.has(label)}
          disabled={split.shares.get(label) === 100}
          onChange={event => props.onSplit(withShadow(split, label, event.currentTarget.checked))}
        />
        <span>{trans.__('shadow')}</span>
      </label>
      {one.traffic_percent === 0 && onTakeAway !== null && (
        <button type="button" className="mltrack-Link" onClick={onTakeAway}>
          {trans.__('Take away …')}
        </button>
      )}
    </div>
  );
}

/** The version that a form is made for: the one that most requests go to. */
export function formVersion(deployments: readonly DeploymentInfo[]): DeploymentInfo | null {
  return primaryOf(deployments) ?? deployments[0] ?? null;
}
