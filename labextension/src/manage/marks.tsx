/** The state of a thing in Azure, and the mark of what costs money: shape and word, not colour. */
import * as React from 'react';
import { readyIcon } from '../models/icons';
import { useTools } from '../panel/context';
import { failedIcon, killedIcon, runningIcon, scheduledIcon } from '../panel/icons';
import { displayName } from '../text';
import { isMoving } from './azureStore';

const READY = new Set(['Busy', 'Idle', 'JobRunning', 'Running', 'Succeeded']);
const STOPPED = new Set(['Stopped', 'Empty', 'Unknown']);

function look(state: string, wrong: boolean): readonly [typeof readyIcon, string] {
  if (wrong || /fail|unusable|canceled/i.test(state)) {
    return [failedIcon, 'failed'];
  }
  if (isMoving(state)) {
    return [runningIcon, 'deploying'];
  }
  if (READY.has(state)) {
    return [readyIcon, 'ready'];
  }
  return STOPPED.has(state) ? [killedIcon, 'stopped'] : [scheduledIcon, 'stopped'];
}

export function CloudMark(props: { state: string; wrong?: boolean }): JSX.Element {
  const { state, wrong = false } = props;
  const [Icon, kind] = look(state, wrong);
  return (
    <span className="mltrack-Status" data-deployment={kind} title={displayName(state)}>
      <Icon.react tag="span" className="mltrack-Status-icon" aria-hidden="true" />
    </span>
  );
}

/** A chip on what costs money now; why, in its tooltip. */
export function Costs(props: { words: string }): JSX.Element | null {
  const { trans } = useTools();
  return props.words === '' ? null : (
    <span className="mltrack-Costs" title={displayName(props.words)}>
      {trans.__('costs')}
    </span>
  );
}
