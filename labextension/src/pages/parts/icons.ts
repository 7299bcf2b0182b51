/** Icons of the pages, in the colours of the theme. */
import { LabIcon } from '@jupyterlab/ui-components';

function icon(name: string, body: string): LabIcon {
  const svgstr = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">${body}</svg>`;
  return new LabIcon({ name: `jupyter-mltrack:page-${name}`, svgstr });
}

const STAR = 'M8 1.9l1.9 3.9 4.2.6-3 3 .7 4.2L8 11.6l-3.8 2 .7-4.2-3-3 4.2-.6z';

export const starIcon = icon(
  'star',
  `<path d="${STAR}" fill="none" stroke-width="1.2" stroke-linejoin="round" class="mltrack-stroke"/>`
);

export const starredIcon = icon('starred', `<path d="${STAR}" class="mltrack-fill"/>`);
