/** A part of the panel with a heading that folds it. */
import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import { Signal } from '@lumino/signaling';
import { Panel, Widget } from '@lumino/widgets';
import type { ISection, ISectionOptions } from '../token';

let sections = 0;

export class Section extends Panel implements ISection {
  readonly foldedChanged = new Signal<this, boolean>(this);
  readonly sectionId: string;
  readonly rank: number;
  private readonly button = document.createElement('button');
  private readonly caret = document.createElement('span');
  private readonly countNode = document.createElement('span');
  private currentCount: number | null = null;

  constructor(
    options: ISectionOptions,
    private readonly content: Widget
  ) {
    super();
    this.sectionId = options.id;
    this.rank = options.rank;
    this.addClass('mltrack-Section');
    this.toggleClass('mltrack-mod-fills', options.fills === true);
    this.node.dataset['section'] = options.id;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', options.title);
    const bodyId = `mltrack-section-${sections++}`;
    content.id ||= bodyId;
    content.addClass('mltrack-Section-body');
    const heading = new Widget({ node: this.makeHeading(options, content.id) });
    heading.addClass('mltrack-Section-heading');
    this.addWidget(heading);
    this.addWidget(content);
    this.showFold();
  }

  get count(): number | null {
    return this.currentCount;
  }

  set count(count: number | null) {
    this.currentCount = count;
    this.countNode.textContent = count === null ? '' : String(count);
    this.countNode.hidden = count === null;
  }

  get folded(): boolean {
    return this.content.isHidden;
  }

  set folded(folded: boolean) {
    if (folded !== this.folded) {
      this.content.setHidden(folded);
      this.showFold();
      this.foldedChanged.emit(folded);
    }
  }

  private makeHeading(options: ISectionOptions, bodyId: string): HTMLElement {
    const heading = document.createElement('h3');
    this.button.type = 'button';
    this.button.className = 'mltrack-Section-button';
    this.button.setAttribute('aria-controls', bodyId);
    this.button.addEventListener('click', () => {
      this.folded = !this.folded;
    });
    this.caret.className = 'mltrack-Section-caret';
    this.caret.setAttribute('aria-hidden', 'true');
    const title = document.createElement('span');
    title.textContent = options.title;
    this.countNode.className = 'mltrack-Section-count';
    this.countNode.hidden = true;
    this.button.append(this.caret, title, this.countNode);
    heading.append(this.button);
    return heading;
  }

  private showFold(): void {
    this.toggleClass('mltrack-mod-folded', this.folded);
    this.button.setAttribute('aria-expanded', String(!this.folded));
    this.caret.replaceChildren();
    const icon = this.folded ? caretRightIcon : caretDownIcon;
    icon.element({ container: this.caret });
  }
}
