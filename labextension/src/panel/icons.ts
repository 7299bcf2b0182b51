/** The panel's icons, in the colours of the theme (`jp-icon*` classes). */
import { LabIcon } from '@jupyterlab/ui-components';
import type { RunStatus } from '../types';

function icon(name: string, body: string, box = 16): LabIcon {
  const svgstr = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 ${box} ${box}">${body}</svg>`;
  return new LabIcon({ name: `jupyter-mltrack:${name}`, svgstr });
}

/** A curve that falls towards a point: a loss on its way. */
export const mltrackIcon = icon(
  'panel',
  '<g class="jp-icon3" fill="#616161"><path d="M3 3h1.6v16.4H21V21H3z"/>' +
    '<path d="M6.6 5.2l1.5-.6c1.5 5.4 3.6 8.4 8 9.3l-.3 1.6C10.4 14.4 8 10.8 6.6 5.2z"/>' +
    '<circle cx="18" cy="14.8" r="2.3"/></g>',
  24
);

export const runningIcon = icon(
  'running',
  '<circle cx="8" cy="8" r="5.5" fill="none" stroke-width="1.6" opacity="0.3" class="mltrack-stroke"/>' +
    '<path d="M8 2.5A5.5 5.5 0 0 1 13.5 8" fill="none" stroke-width="1.8" stroke-linecap="round" class="mltrack-stroke mltrack-spin"/>'
);

export const scheduledIcon = icon(
  'scheduled',
  '<g fill="none" stroke-width="1.5" stroke-linecap="round" class="mltrack-stroke"><circle cx="8" cy="8" r="5.5"/><path d="M8 5v3.3l2 1.2"/></g>'
);

export const finishedIcon = icon(
  'finished',
  '<path d="M3.3 8.4l3.1 3.1 6.3-6.8" fill="none" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" class="mltrack-stroke"/>'
);

export const failedIcon = icon(
  'failed',
  '<path d="M4 4l8 8M12 4l-8 8" fill="none" stroke-width="1.8" stroke-linecap="round" class="mltrack-stroke"/>'
);

export const killedIcon = icon(
  'killed',
  '<rect x="4" y="4" width="8" height="8" rx="1" class="mltrack-fill"/>'
);

export const syncIcon = icon(
  'sync',
  '<g class="mltrack-stroke" fill="none" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"><path d="M8 10.5V3M5 5.8L8 2.8l3 3"/><path d="M3 10.5v2.7h10v-2.7"/></g>'
);

export const alertIcon = icon(
  'alert',
  '<g fill="none" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" class="mltrack-stroke"><path d="M8 2.4l6 10.8H2z"/><path d="M8 6.6v3M8 11.4v.1"/></g>'
);

export const stopIcon = icon(
  'stop',
  '<rect x="4" y="4" width="8" height="8" rx="1" fill="none" stroke-width="1.5" class="mltrack-stroke"/>'
);

export const openPageIcon = icon(
  'open-page',
  '<g fill="none" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" class="mltrack-stroke"><path d="M6.5 3H3v10h10V9.5"/><path d="M9.5 3H13v3.5M13 3L7.5 8.5"/></g>'
);

export const STATUS_ICONS: { readonly [status in RunStatus]: LabIcon } = {
  RUNNING: runningIcon,
  SCHEDULED: scheduledIcon,
  FINISHED: finishedIcon,
  FAILED: failedIcon,
  KILLED: killedIcon
};
