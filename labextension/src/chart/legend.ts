/** The names and values above a chart; a click hides a line and shows it again. */
import { formatNumber } from '../format';
import { displayName, readableKey, splitName } from '../text';

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

  constructor(private readonly onToggle: (index: number, show: boolean) => void) {
    this.node.className = 'mltrack-Legend';
  }

  /** Show other metrics; all of them visible. */
  setKeys(keys: readonly string[], styles: readonly { stroke: string; dash: number[] }[]): void {
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

  private makeItem(
    key: string,
    index: number,
    style: { stroke: string; dash: number[] } | undefined
  ): Item {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'mltrack-Legend-item';
    button.title = displayName(readableKey(key));
    button.setAttribute('aria-pressed', 'true');
    const name = document.createElement('bdi');
    name.className = 'mltrack-Name';
    const { head, tail } = splitName(readableKey(key));
    name.append(span('mltrack-Name-head', head), span('mltrack-Name-tail', tail));
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
