/**
 * The names and values above a chart; a click hides a line and shows it again. Or one title, where
 * the names stand elsewhere: beside it the line under the pointer.
 */
import { formatNumber } from '../format';
import { displayName, readableKey, splitName } from '../text';
import type { LineStyle } from './theme';

const SVG = 'http://www.w3.org/2000/svg';
const SAMPLE_WIDTH = 18;
const SAMPLE_HEIGHT = 8;

interface Item {
  button: HTMLButtonElement;
  value: HTMLElement;
}

/** Text nodes only: names come from anybody. */
export class Legend {
  readonly node = document.createElement('div');
  private items: Item[] = [];
  private readonly said = span('mltrack-Legend-value', '');

  /**
   * @param title instead of names.
   */
  constructor(
    private readonly onToggle: (index: number, show: boolean) => void,
    private readonly title?: string
  ) {
    this.node.className = 'mltrack-Legend';
    if (title !== undefined) {
      this.node.classList.add('mltrack-mod-titled');
      this.node.append(named('mltrack-Legend-title', title), this.said);
    }
  }

  /** Show other metrics; all of them visible. */
  setKeys(keys: readonly string[], styles: readonly LineStyle[]): void {
    if (this.title !== undefined) {
      return;
    }
    this.items = keys.map((key, index) => this.makeItem(key, index, styles[index]));
    this.node.replaceChildren(...this.items.map(item => item.button));
  }

  /** @param text says what the value is when it is not finite. */
  setValue(index: number, value: number | null, text: string): void {
    const item = this.items[index];
    if (item !== undefined) {
      const shown = formatNumber(value, text);
      if (item.value.textContent !== shown) {
        item.value.textContent = shown;
      }
    }
  }

  /** Name the line under the pointer and its value there; no name for none. */
  setFocus(name: string, value: number | null): void {
    const shown = name === '' ? '' : `${displayName(name)}  ${formatNumber(value)}`;
    if (this.said.textContent !== shown) {
      this.said.textContent = shown;
    }
  }

  private makeItem(key: string, index: number, style: LineStyle | undefined): Item {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'mltrack-Legend-item';
    button.title = displayName(readableKey(key));
    button.setAttribute('aria-pressed', 'true');
    const name = named('', key);
    const value = span('mltrack-Legend-value', '');
    button.append(sample(style?.stroke ?? 'currentColor', style?.dash ?? []), name, value);
    button.addEventListener('click', () => {
      const show = button.getAttribute('aria-pressed') !== 'true';
      button.setAttribute('aria-pressed', String(show));
      this.onToggle(index, show);
    });
    return { button, value };
  }
}

/** A key as a name that is cut in the middle where it does not fit. */
function named(className: string, key: string): HTMLElement {
  const name = document.createElement('bdi');
  name.className = `mltrack-Name ${className}`.trim();
  name.title = displayName(readableKey(key));
  const { head, tail } = splitName(readableKey(key));
  name.append(span('mltrack-Name-head', head), span('mltrack-Name-tail', tail));
  return name;
}

function span(className: string, text: string): HTMLElement {
  const node = document.createElement('span');
  node.className = className;
  node.textContent = text;
  return node;
}

function sample(stroke: string, dash: readonly number[]): SVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('width', String(SAMPLE_WIDTH));
  svg.setAttribute('height', String(SAMPLE_HEIGHT));
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(SVG, 'line');
  line.setAttribute('x1', '0');
  line.setAttribute('x2', String(SAMPLE_WIDTH));
  line.setAttribute('y1', String(SAMPLE_HEIGHT / 2));
  line.setAttribute('y2', String(SAMPLE_HEIGHT / 2));
  line.setAttribute('stroke', stroke);
  line.setAttribute('stroke-width', '2');
  line.setAttribute('stroke-dasharray', dash.join(' '));
  svg.append(line);
  return svg;
}
