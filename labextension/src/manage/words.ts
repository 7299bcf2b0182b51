/** Words of the Azure section. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { AzureEndpointInfo, ComputeInfo } from '../types';

/** `Standard_DS3_v2` as `DS3_v2`: the part that differs. */
export function sizeWord(size: string): string {
  return size.replace(/^Standard_/, '');
}

/** `1 of 0–4 nodes` for a cluster; empty for a single machine. */
export function nodesWords(compute: ComputeInfo, trans: TranslationBundle): string {
  const { nodes = null, nodes_min: low = null, nodes_max: high = null } = compute;
  if (nodes === null || high === null) {
    return '';
  }
  return trans.__('%1 of %2–%3 nodes', String(nodes), String(low ?? 0), String(high));
}

export function kindWord(kind: string, trans: TranslationBundle): string {
  switch (kind) {
    case 'AmlCompute':
      return trans.__('cluster');
    case 'ComputeInstance':
      return trans.__('instance');
    default:
      return kind;
  }
}

/** `15 min` or `2 h`; what never stops by itself says so. */
export function idleWords(seconds: number | null, trans: TranslationBundle): string {
  if (seconds === null) {
    return trans.__('never');
  }
  return seconds < 7200
    ? trans.__('after %1 min', String(Math.round(seconds / 60)))
    : trans.__('after %1 h', String(Math.round(seconds / 360) / 10));
}

/** `version-5 90 %, version-6 10 %`. */
export function trafficWords(endpoint: AzureEndpointInfo): string {
  return (endpoint.traffic ?? []).map(({ key, value }) => `${key} ${value} %`).join(', ');
}

/** The state of an endpoint in the words of the service, in small letters as elsewhere. */
export function stateWord(state: string, trans: TranslationBundle): string {
  return state === 'Succeeded' ? trans.__('ready') : state.toLowerCase();
}

export function actWord(act: 'start' | 'stop' | 'restart', trans: TranslationBundle): string {
  return { start: trans.__('Start'), stop: trans.__('Stop'), restart: trans.__('Restart') }[act];
}

/** What is asked before it is done to a compute. */
export function questionOf(
  compute: ComputeInfo,
  act: 'start' | 'stop' | 'restart',
  trans: TranslationBundle
): string {
  const { name, size = '' } = compute;
  return {
    start: trans.__('Start %1 (%2)? It is billed while it is on.', name, sizeWord(size)),
    stop: trans.__('Stop %1? What runs on it ends.', name),
    restart: trans.__('Restart %1? What runs on it ends.', name)
  }[act];
}

/** What a request to an endpoint must carry. */
export function authWord(auth: string, trans: TranslationBundle): string {
  switch (auth.toLowerCase()) {
    case 'key':
      return trans.__('asked with a key');
    case 'amltoken':
      return trans.__('asked with a token of Azure ML');
    case 'aadtoken':
      return trans.__('asked with a token of the account');
    default:
      return auth;
  }
}
