/** Icons of models and endpoints, in the colours of the theme. */
import { LabIcon } from '@jupyterlab/ui-components';

function icon(name: string, body: string): LabIcon {
  const svgstr = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">${body}</svg>`;
  return new LabIcon({ name: `jupyter-mltrack:${name}`, svgstr });
}

/** A closed box: what was trained, packed. */
export const modelIcon = icon(
  'model',
  '<g fill="none" stroke-width="1.3" stroke-linejoin="round" class="mltrack-stroke"><path d="M8 1.8l5.6 3v6.4L8 14.2l-5.6-3V4.8z"/><path d="M2.6 4.9L8 7.8l5.4-2.9M8 7.8v6.2"/></g>'
);

export const readyIcon = icon('ready', '<circle cx="8" cy="8" r="4.5" class="mltrack-fill"/>');

/** Like ready, but nothing runs until somebody asks. */
export const asleepIcon = icon(
  'asleep',
  '<circle cx="8" cy="8" r="4.2" fill="none" stroke-width="1.6" class="mltrack-stroke"/>'
);

export const unhealthyIcon = icon(
  'unhealthy',
  '<path d="M8 2.2l6.2 11.2H1.8z" fill="none" stroke-width="1.5" stroke-linejoin="round" class="mltrack-stroke"/><path d="M8 6.4v3.4M8 11.3v.6" stroke-width="1.6" stroke-linecap="round" class="mltrack-stroke"/>'
);
