/** Endpoints with their state and load, deploys under way, and what an opened endpoint shows. */
import * as React from 'react';
import { useModelTools } from '../models/context';
import { JobView } from '../models/jobView';
import { endpointWord, formatSeconds, servedWords, statsWords } from '../models/words';
import { Name, ProblemView, Skeleton } from '../panel/bits';
import { useTools } from '../panel/context';
import { useModel, useSize, useTick } from '../panel/hooks';
import { failedIcon, runningIcon } from '../panel/icons';
import { moveFocus } from '../panel/roving';
import type { EndpointsStore } from '../store/endpointsStore';
import { displayName } from '../text';
import type { EndpointInfo, JobInfo } from '../types';
import { OpenedEndpoint } from './openedEndpoint';
import { StateMark } from './stateMark';

const ROW_HEIGHT = 42;
const TICK_MS = 1000;
/** From this width on an endpoint is one line. */
const WIDE_PX = 480;

export function DeploymentsSection(): JSX.Element {
  const { trans } = useTools();
  const { endpoints } = useModelTools();
  const root = React.useRef<HTMLDivElement>(null);
  const { width } = useSize(root);
  useModel(endpoints);
  useTick(TICK_MS, endpoints.deploying);
  const empty = endpoints.endpoints.length === 0 && endpoints.jobs.length === 0;
  return (
    <div className="mltrack-Deployments" ref={root}>
      {endpoints.problem !== null && <ProblemView problem={endpoints.problem} />}
      {!empty ? (
        <Rows endpoints={endpoints} wide={width >= WIDE_PX} />
      ) : !endpoints.loaded ? (
        <Skeleton rows={1} rowHeight={ROW_HEIGHT} />
      ) : (
        endpoints.problem === null && (
          <p className="mltrack-Empty-line mltrack-mod-padded">
            {trans.__('Nothing is deployed. [Deploy] on a model version starts it.')}
          </p>
        )
      )}
    </div>
  );
}

function Rows(props: { endpoints: EndpointsStore; wide: boolean }): JSX.Element {
  const { trans } = useTools();
  const { endpoints, wide } = props;
  const [opened, setOpened] = React.useState<ReadonlySet<string>>(new Set());
  useWanted(endpoints, setOpened);
  const toggle = (name: string): void => {
    const next = new Set(opened);
    if (!next.delete(name)) {
      next.add(name);
    }
    setOpened(next);
  };
  const jobs = jobRows(endpoints);
  return (
    <div role="list" aria-label={trans.__('Endpoints')} onKeyDown={moveFocus}>
      {jobs.map(job => (
        <div role="listitem" key={job.id}>
          <JobRow job={job} open={opened.has(job.id)} onToggle={() => toggle(job.id)} />
          {opened.has(job.id) && (
            <div className="mltrack-Endpoint">
              <JobView job={job} onAgain={null} />
            </div>
          )}
        </div>
      ))}
      {endpoints.endpoints.map((endpoint, index) => (
        <div role="listitem" key={endpoint.name}>
          <EndpointRow
            endpoint={endpoint}
            job={endpoints.jobs.find(
              job => job.subject === endpoint.name && job.state === 'running'
            )}
            wide={wide}
            open={opened.has(endpoint.name)}
            tabIndex={index === 0 ? 0 : -1}
            onToggle={() => toggle(endpoint.name)}
          />
          {opened.has(endpoint.name) && <OpenedEndpoint endpoint={endpoint} />}
        </div>
      ))}
    </div>
  );
}

/**
 * Deploys with a row of their own. One that runs shows in its endpoint's row where there is one; one
 * that failed is over when the endpoint changed after it.
 */
function jobRows(endpoints: EndpointsStore): JobInfo[] {
  const there = new Map(endpoints.endpoints.map(one => [one.name, one]));
  return endpoints.jobs.filter(job => {
    const endpoint = there.get(job.subject);
    return (
      endpoint === undefined || (job.state === 'failed' && endpoint.updated_ms < job.started_ms)
    );
  });
}

/** Open the endpoint that somebody asked to see as soon as it is listed, and go there. */
function useWanted(
  endpoints: EndpointsStore,
  setOpened: React.Dispatch<React.SetStateAction<ReadonlySet<string>>>
): void {
  const { wanted } = endpoints;
  const found = endpoints.endpoints.some(one => one.name === wanted);
  React.useEffect(() => {
    if (wanted === null || !found) {
      return;
    }
    endpoints.wanted = null;
    setOpened(old => new Set(old).add(wanted));
    requestAnimationFrame(() => {
      const row = [...document.querySelectorAll<HTMLElement>('.mltrack-EndpointRow')].find(
        one => one.dataset['endpoint'] === wanted
      );
      row?.focus();
      row?.scrollIntoView({ block: 'start' });
    });
  }, [endpoints, wanted, found, setOpened]);
}

/** What a running job does now: the title of its step, and for how long. */
function useStep(job: JobInfo): string {
  const { store, trans } = useTools();
  const step = job.steps.find(one => one.state === 'running');
  const seconds = Math.max(0, (store.clock.now() - job.started_ms) / 1000);
  return `${displayName(step?.title ?? trans.__('starting'))} · ${formatSeconds(seconds)}`;
}

function JobRow(props: { job: JobInfo; open: boolean; onToggle: () => void }): JSX.Element {
  const { trans } = useTools();
  const { job, open } = props;
  const failed = job.state === 'failed';
  const step = useStep(job);
  const Icon = failed ? failedIcon : runningIcon;
  return (
    <button
      type="button"
      className="mltrack-Row mltrack-JobRow"
      aria-expanded={open}
      data-job={job.id}
      data-state={job.state}
      onClick={props.onToggle}
    >
      <span className="mltrack-Row-line">
        <span className="mltrack-Status" data-status={failed ? 'FAILED' : 'RUNNING'}>
          <Icon.react tag="span" className="mltrack-Status-icon" aria-hidden="true" />
        </span>
        <Name text={job.subject} className="mltrack-Row-name" />
        <span className="mltrack-Row-time">
          {failed ? trans.__('deploy failed') : trans.__('deploying')}
        </span>
      </span>
      <span className="mltrack-Row-line mltrack-mod-second">
        <span className={failed ? 'mltrack-Row-error' : 'mltrack-Row-words'}>
          {failed ? displayName(job.problem?.message ?? job.title) : step}
        </span>
      </span>
    </button>
  );
}

function EndpointRow(props: {
  endpoint: EndpointInfo;
  job: JobInfo | undefined;
  wide: boolean;
  open: boolean;
  tabIndex: number;
  onToggle: () => void;
}): JSX.Element {
  const { endpoint, job, wide, open } = props;
  const served = servedWords(endpoint.deployments);
  return (
    <button
      type="button"
      className={`mltrack-Row mltrack-EndpointRow ${wide ? 'mltrack-mod-wide' : ''}`}
      aria-expanded={open}
      data-endpoint={endpoint.name}
      data-state={endpoint.state}
      tabIndex={props.tabIndex}
      onClick={props.onToggle}
    >
      <span className="mltrack-Row-line">
        <StateMark state={endpoint.state} asleep={endpoint.asleep} />
        <Name text={endpoint.name} className="mltrack-Row-name" />
        <span className="mltrack-Served" title={displayName(served)}>
          {displayName(served === '' ? '–' : served)}
        </span>
      </span>
      <span className="mltrack-Row-line mltrack-mod-second">
        {job === undefined ? <State endpoint={endpoint} wide={wide} /> : <JobStepWords job={job} />}
      </span>
    </button>
  );
}

function JobStepWords(props: { job: JobInfo }): JSX.Element {
  return <span className="mltrack-Row-words">{useStep(props.job)}</span>;
}

/** The state and the load in words; what is wrong takes the place of the load. */
function State(props: { endpoint: EndpointInfo; wide: boolean }): JSX.Element {
  const { trans } = useTools();
  const { endpoint } = props;
  const wrong = endpoint.deployments.find(one => one.problem !== null)?.problem?.message;
  const words = [endpointWord(endpoint, trans), ...statsWords(endpoint.stats, trans, props.wide)];
  if (endpoint.target !== 'local') {
    words.push(displayName(endpoint.target));
  }
  const { errors } = endpoint.stats;
  return (
    <>
      <span className="mltrack-Row-words">{words.join(' · ')}</span>
      {errors > 0 && (
        <span className="mltrack-Row-errors">
          {trans._n('%2 error', '%2 errors', errors, String(errors))}
        </span>
      )}
      {wrong !== undefined && (
        <span className="mltrack-Row-error" title={displayName(wrong)}>
          {displayName(wrong)}
        </span>
      )}
    </>
  );
}
