/** Arrow keys in a list of rows. */
import type * as React from 'react';
import { nextIndex } from './virtualList';

/** Arrow keys move between rows; the row that has the focus is the one in the tab order. */
export function moveFocus(event: React.KeyboardEvent<HTMLElement>): void {
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>('.mltrack-Row')];
  const index = rows.findIndex(row => row === event.target);
  const next = index === -1 ? null : nextIndex(event.key, index, rows.length);
  if (next === null) {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  rows.forEach((row, at) => {
    row.tabIndex = at === next ? 0 : -1;
  });
  rows[next]?.focus();
}
