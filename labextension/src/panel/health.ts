/** How a workspace is, as a mark and in words. Pure. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { formatClock } from '../format';
import type { Health } from '../types';

/** For the colour and the shape of the mark. */
export function dotState(health: Health): 'good' | 'busy' | 'bad' {
  switch (health.state) {
    case 'ready':
      return health.waiting_points > 0 ? 'busy' : 'good';
    case 'connecting':
      return 'busy';
    case 'broken':
    case 'denied':
    case 'signed_out':
    case 'unreachable':
      return 'bad';
  }
}

/** The state in words a person would use. */
export function healthWords(
  health: Health,
  nowMs: number,
  language: string,
  trans: TranslationBundle
): string {
  const since = formatClock(health.since_ms, nowMs, language);
  switch (health.state) {
    case 'ready':
      return trans.__('ready');
    case 'connecting':
      return trans.__('connecting …');
    case 'signed_out':
      return trans.__('signed out');
    case 'denied':
      return trans.__('no permission');
    case 'unreachable':
      return trans.__('unreachable since %1', since);
    case 'broken':
      return trans.__('not working since %1', since);
  }
}
