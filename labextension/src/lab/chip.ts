/** One chip: a button in the corner of a cell's input. */
import type { Cell } from '@jupyterlab/cells';
import type { IDisposable } from '@lumino/disposable';
import { formatNumber } from '../format';
import { statusWord } from '../panel/bits';
import type { PanelTools } from '../panel/context';
import { STATUS_ICONS } from '../panel/icons';
import { displayName, readableKey, shortenMiddle } from '../text';
import type { RunSummary } from '../types';

const LONGEST_NAME = 28;
const LONGEST_KEY = 18;

export class Chip implements IDisposable {
  isDisposed = false;
  private readonly node = document.createElement('button');
  private readonly mark = document.createElement('span');
  private readonly words = document.createElement('span');
  private status: string | null = null;
  private run: RunSummary | null = null;

  constructor(
    private readonly tools: PanelTools,
    cell: Cell
  ) {
    this.node.type = 'button';
    this.node.className = 'mltrack-CellChip';
    this.mark.className = 'mltrack-CellChip-mark';
    this.mark.setAttribute('aria-hidden', 'true');
    this.words.className = 'mltrack-CellChip-words';
    this.node.append(this.mark, this.words);
    this.node.addEventListener('click', () => this.open());
    // The notebook takes a press in a cell as the wish to edit it.
    this.node.addEventListener('mousedown', event => event.stopPropagation());
    // An input that scrolled into sight for the first time is made only then.
    void cell.ready.then(() => {
      if (!this.isDisposed && !cell.isDisposed) {
        cell.inputArea?.node.append(this.node);
      }
    });
  }

  show(run: RunSummary): void {
    this.run = run;
    const { trans } = this.tools;
    const [metric] = run.metrics;
    const value =
      metric === undefined
        ? ''
        : `${shortenMiddle(displayName(readableKey(metric.key)), LONGEST_KEY)} ${formatNumber(metric.value, metric.text)}`;
    const name = displayName(shortenMiddle(run.name, LONGEST_NAME));
    const words = value === '' ? name : `${name} · ${value}`;
    const status = statusWord(run.status, trans);
    if (this.words.textContent !== words) {
      this.words.textContent = words;
    }
    this.node.title = trans.__('%1, %2: open its page', displayName(run.name), status);
    this.node.setAttribute('aria-label', trans.__('Run %1, %2: open its page', words, status));
    if (this.status !== run.status) {
      this.status = run.status;
      this.node.dataset['status'] = run.status;
      this.mark.replaceChildren();
      STATUS_ICONS[run.status].element({ container: this.mark });
    }
  }

  dispose(): void {
    this.isDisposed = true;
    this.node.remove();
  }

  private open(): void {
    if (this.run !== null) {
      const { workspace_id: workspace, run_id } = this.run;
      this.tools.actions().openPage('run', { workspace, runIds: [run_id] });
    }
  }
}
