/** The state of an endpoint or of a version behind it: shape, colour, and a word. */
import * as React from 'react';
import { asleepIcon, readyIcon, unhealthyIcon } from '../models/icons';
import { stateWord } from '../models/words';
import { useTools } from '../panel/context';
import { failedIcon, killedIcon, runningIcon } from '../panel/icons';
import type { DeploymentState } from '../types';

const ICONS = {
  deploying: runningIcon,
  ready: readyIcon,
  unhealthy: unhealthyIcon,
  failed: failedIcon,
  stopped: killedIcon
} as const;

export function StateMark(props: { state: DeploymentState; asleep?: boolean }): JSX.Element {
  const { trans } = useTools();
  const { state, asleep = false } = props;
  const sleeping = asleep && state === 'ready';
  const Icon = sleeping ? asleepIcon : ICONS[state];
  const word = sleeping ? trans.__('asleep: the next request wakes it') : stateWord(state, trans);
  return (
    <span className="mltrack-Status" data-deployment={state} title={word}>
      <Icon.react tag="span" className="mltrack-Status-icon" aria-hidden="true" />
      <span className="mltrack-visually-hidden">{word}</span>
    </span>
  );
}
