/** Jobs in words. Pure. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { formatDuration, formatTook } from '../format';
import { hasEnded } from '../store/jobStates';
import { displayName } from '../text';
import type { SubmittedJob, SubmittedState } from '../types';

export function stateWord(state: SubmittedState, trans: TranslationBundle): string {
  switch (state) {
    case 'queued':
      return trans.__('queued');
    case 'preparing':
      return trans.__('preparing');
    case 'running':
      return trans.__('running');
    case 'finishing':
      return trans.__('finishing');
    case 'done':
      return trans.__('done');
    case 'failed':
      return trans.__('failed');
    case 'cancelled':
      return trans.__('stopped');
  }
}

/** The state, and what the service says of it where that is more. */
export function jobWords(job: SubmittedJob, trans: TranslationBundle): string {
  const ended = hasEnded(job);
  if (!ended && job.cancel_asked) {
    return trans.__('stopping');
  }
  const word = stateWord(job.state, trans);
  if (!ended && !job.followed) {
    return trans.__('%1, not followed here', word);
  }
  const known = new Set(['', job.state, 'completed', 'canceled', 'cancelled', 'notstarted']);
  const detail = known.has(job.detail.toLowerCase()) ? '' : displayName(job.detail);
  return detail === '' ? word : `${word} · ${detail}`;
}

/** How long it runs or ran; empty before it began. */
export function jobTime(job: SubmittedJob, nowMs: number): string {
  if (job.began_ms === null) {
    return '';
  }
  const took = Math.max(0, (job.ended_ms ?? nowMs) - job.began_ms);
  return job.ended_ms === null ? formatDuration(took) : formatTook(took);
}
