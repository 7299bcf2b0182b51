/** Icons of lists of runs, in the colours of the theme. */
import { LabIcon } from '@jupyterlab/ui-components';

const POINTS = 'M8 2.2l1.8 3.7 4 .6-2.9 2.8.7 4L8 11.4l-3.6 1.9.7-4L2.2 6.5l4-.6z';

function icon(name: string, body: string): LabIcon {
  const svgstr = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">${body}</svg>`;
  return new LabIcon({ name: `jupyter-mltrack:${name}`, svgstr });
}

export const starIcon = icon(
  'star',
  `<path d="${POINTS}" fill="none" stroke-width="1.2" stroke-linejoin="round" class="mltrack-stroke"/>`
);

export const starredIcon = icon('starred', `<path d="${POINTS}" class="mltrack-fill"/>`);

export const columnsIcon = icon(
  'columns',
  '<g class="mltrack-stroke" fill="none" stroke-width="1.4" stroke-linecap="round"><path d="M2.5 4h11M2.5 8h11M2.5 12h11"/></g>'
);

export const openTableIcon = icon(
  'open-table',
  '<g class="mltrack-stroke" fill="none" stroke-width="1.3" stroke-linecap="round" stroke-linejoin="round"><path d="M7 3H2.7v10.3H13V9"/><path d="M9.5 2.5h4v4M13.3 2.7L8 8"/></g>'
);
