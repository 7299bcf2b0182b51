/**
 * Icons for rows of which there are hundreds: read once, drawn by React from then on. An icon that
 * is drawn by JupyterLab's component is read from its text for every place where it stands.
 */
import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

const known = new Map<string, React.ReactElement>();

/** The icon as an element, the same one each time; a screen reader passes over it. */
export function drawn(icon: LabIcon): React.ReactElement {
  let element = known.get(icon.name);
  if (element === undefined) {
    const svg = new DOMParser().parseFromString(icon.svgstr, 'image/svg+xml').documentElement;
    element = React.cloneElement(elementOf(svg, 0), { 'aria-hidden': true });
    known.set(icon.name, element);
  }
  return element;
}

function elementOf(node: Element, key: number): React.ReactElement<{ 'aria-hidden'?: boolean }> {
  const attributes = [...node.attributes]
    .filter(({ name }) => name !== 'xmlns')
    .map(({ name, value }) => [name === 'class' ? 'className' : camelCase(name), value]);
  const children = [...node.children].map(elementOf);
  return React.createElement(node.tagName, { ...Object.fromEntries(attributes), key }, ...children);
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
