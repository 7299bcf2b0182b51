/** Words and numbers of the views of models and deployments. Pure. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { formatDuration, formatNumber } from '../format';
import { displayName } from '../text';
import type { DeploymentInfo, DeploymentState, EndpointInfo, EndpointStats } from '../types';

const LONGEST_TYPED = 80;
const DELETE = 'delete';

/** `6.2 ms`, `140 ms`, `2.1 s`. */
export function formatMs(ms: number | null): string {
  if (ms === null) {
    return '–';
  }
  if (ms >= 1000) {
    return `${(ms / 1000).toFixed(1)} s`;
  }
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** `100 ms`, `0.1 s`, `42 s`, `02:05`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.1) {
    return `${Math.round(seconds * 1000)} ms`;
  }
  if (seconds < 60) {
    return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  }
  return formatDuration(seconds * 1000);
}

/**
 * What has to be typed before something is deleted: its name where a person can type what is
 * shown, else a plain word.
 */
export function confirmWord(name: string): string {
  const plain = displayName(name) === name && name.trim() === name && name.length <= LONGEST_TYPED;
  return plain ? name : DELETE;
}

/** `v5`, or the label where it is no version's number. */
export function versionWord(label: string): string {
  return /^\d+$/.test(label) ? `v${label}` : label;
}

export function stateWord(state: DeploymentState, trans: TranslationBundle): string {
  switch (state) {
    case 'deploying':
      return trans.__('deploying');
    case 'ready':
      return trans.__('ready');
    case 'unhealthy':
      return trans.__('unhealthy');
    case 'failed':
      return trans.__('failed');
    case 'stopped':
      return trans.__('stopped');
  }
}

/** The state of an endpoint in the words of its row. */
export function endpointWord(endpoint: EndpointInfo, trans: TranslationBundle): string {
  return endpoint.asleep && endpoint.state === 'ready'
    ? trans.__('asleep')
    : stateWord(endpoint.state, trans);
}

/** `v5`, or `v5 90 % · v4 10 %` where the traffic is shared. */
export function servedWords(deployments: readonly DeploymentInfo[]): string {
  const taking = deployments
    .filter(one => one.traffic_percent > 0)
    .sort((a, b) => b.traffic_percent - a.traffic_percent);
  const [only] = taking;
  if (taking.length === 1 && only !== undefined) {
    return versionWord(only.label);
  }
  return taking.map(one => `${versionWord(one.label)} ${one.traffic_percent} %`).join(' · ');
}

/** `12 req/s`, `p50 2 ms`, `p95 6 ms`; empty where nothing was asked lately. */
export function statsWords(
  stats: EndpointStats,
  trans: TranslationBundle,
  withMedian = true
): string[] {
  if (stats.requests === 0) {
    return [];
  }
  const words = [trans.__('%1 req/s', formatNumber(stats.requests_per_s, '', 2))];
  if (stats.p50_ms !== null && withMedian) {
    words.push(trans.__('p50 %1', formatMs(stats.p50_ms)));
  }
  if (stats.p95_ms !== null) {
    words.push(trans.__('p95 %1', formatMs(stats.p95_ms)));
  }
  return words;
}
