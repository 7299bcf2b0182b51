/** What a reader of the run should know before its numbers: its order, and what was not kept. */
import * as React from 'react';
import { alertIcon } from '../../panel/icons';
import { useTools } from '../../panel/context';
import { useModel } from '../../panel/hooks';
import type { RunPageStore } from '../../store/runPageStore';
import { displayName } from '../../text';
import type { RunDetail } from '../../types';

const ORDER = 'mltrack.order';

export function Notes(props: { page: RunPageStore; detail: RunDetail }): JSX.Element | null {
  const { page, detail } = props;
  const { trans } = useTools();
  useModel(page.about);
  const order = detail.tags.find(({ key }) => key === ORDER)?.value ?? '';
  const leftOut = page.about.value?.left_out ?? [];
  if (order === '' && leftOut.length === 0) {
    return null;
  }
  return (
    <ul className="mltrack-Notes" aria-label={trans.__('Notes about this run')}>
      {order !== '' && (
        <li data-note="order">
          <alertIcon.react tag="span" className="mltrack-Status-icon" aria-hidden="true" />
          <span>
            <strong>{trans.__('Out of order:')}</strong> <bdi>{displayName(order)}</bdi>.{' '}
            {trans.__('The notebook, run from top to bottom, may give something else.')}
          </span>
        </li>
      )}
      {leftOut.length > 0 && (
        <li data-note="left-out">
          <span className="mltrack-Status-icon" aria-hidden="true" />
          <span>
            <strong>{trans.__('Not kept:')}</strong>{' '}
            <bdi>{leftOut.map(displayName).join('; ')}</bdi>
          </span>
        </li>
      )}
    </ul>
  );
}
