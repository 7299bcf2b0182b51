/** The panel itself: header, notice, sections; tells the store when it can be seen. */
import { ReactWidget } from '@jupyterlab/ui-components';
import type { IStateDB } from '@jupyterlab/statedb';
import type { Message } from '@lumino/messaging';
import { Panel, Widget } from '@lumino/widgets';
import * as React from 'react';
import type { PanelStore } from '../store/panelStore';
import type { IMltrackPanel, ISection, ISectionOptions } from '../token';
import { ToolsProvider } from './context';
import type { PanelTools } from './context';
import { Header } from './header';
import { mltrackIcon } from './icons';
import { Notice } from './notice';
import { Section } from './section';

const FOLDS_KEY = 'jupyter-mltrack:folded-sections';

export class MltrackPanel extends Panel implements IMltrackPanel {
  readonly store: PanelStore;
  private readonly sections: Section[] = [];
  private readonly body = new Panel();
  private folded: ReadonlySet<string> = new Set();

  constructor(
    private readonly tools: PanelTools,
    private readonly state: IStateDB | null
  ) {
    super();
    this.store = tools.store;
    this.id = 'jupyter-mltrack-panel';
    this.title.icon = mltrackIcon;
    this.title.caption = tools.trans.__('MLTrack: experiment tracking');
    this.addClass('mltrack-Panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', tools.trans.__('MLTrack'));
    this.body.addClass('mltrack-Body');
    this.addWidget(this.render(() => React.createElement(Header), 'mltrack-HeaderHost'));
    this.addWidget(this.render(() => React.createElement(Notice), 'mltrack-NoticeHost'));
    this.addWidget(this.body);
    this.store.stateChanged.connect(this.onStore, this);
    this.onStore();
  }

  /** Have sections folded as they were when the page was left. */
  async restore(): Promise<void> {
    const saved = await this.state?.fetch(FOLDS_KEY);
    if (Array.isArray(saved)) {
      this.folded = new Set(saved.map(String));
      this.sections.forEach(section => {
        section.folded = this.folded.has(section.sectionId);
      });
    }
  }

  addSection(options: ISectionOptions): ISection {
    if (this.sections.some(section => section.sectionId === options.id)) {
      throw new Error(`The panel has a section "${options.id}" already`);
    }
    const { content } = options;
    const widget = content instanceof Widget ? content : this.render(content, 'mltrack-Content');
    const section = new Section(options, widget);
    section.folded = this.folded.has(options.id);
    section.foldedChanged.connect(this.onFolded, this);
    section.disposed.connect(() => {
      this.sections.splice(this.sections.indexOf(section), 1);
    });
    const after = this.sections.filter(one => one.rank <= options.rank).length;
    this.sections.splice(after, 0, section);
    this.body.insertWidget(after, section);
    return section;
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.store.dispose();
      super.dispose();
    }
  }

  protected override onActivateRequest(): void {
    // The first row or button: the keyboard goes on from there.
    const row = this.node.querySelector<HTMLElement>('.mltrack-Row[tabindex="0"]');
    (row ?? this.node.querySelector<HTMLElement>('button'))?.focus();
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this.store.setVisible(this.isVisible);
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    this.store.setVisible(this.isVisible);
  }

  protected override onAfterHide(msg: Message): void {
    super.onAfterHide(msg);
    this.store.setVisible(false);
  }

  protected override onBeforeDetach(msg: Message): void {
    super.onBeforeDetach(msg);
    this.store.setVisible(false);
  }

  private render(element: () => React.ReactElement, className: string): ReactWidget {
    const tree = React.createElement(
      ToolsProvider,
      { value: this.tools },
      React.createElement(element)
    );
    const widget = ReactWidget.create(tree);
    widget.addClass(className);
    return widget;
  }

  private onStore(): void {
    const { phase } = this.store;
    const usable = phase === 'idle' || phase === 'connecting' || phase === 'ready';
    // Offline, what was there stays to be read; a server that is not ours leaves nothing to show.
    this.body.setHidden(!usable && phase !== 'offline');
  }

  private onFolded(section: Section, folded: boolean): void {
    const next = new Set(this.folded);
    if (folded) {
      next.add(section.sectionId);
    } else {
      next.delete(section.sectionId);
    }
    this.folded = next;
    void this.state?.save(FOLDS_KEY, [...next]);
  }
}
