/**
 * The panel itself: header, notice, sections; tells the store when it can be seen. What it shows
 * is fetched when it is first seen.
 */
import type { IStateDB } from '@jupyterlab/statedb';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';
import { Panel, Widget } from '@lumino/widgets';
import * as React from 'react';
import type { Lazy } from '../lazy';
import type { SettingsModel } from '../settings';
import type { IMltrackPanel, IRunPart, ISection, ISectionOptions } from '../token';
import { ToolsProvider } from './context';
import type { PanelTools } from './context';
import { Filled } from './filled';
import { mltrackIcon } from './icons';
import type { RunParts } from './runParts';
import { seenAfter } from './seen';
import { Section } from './section';

const FOLDS_KEY = 'jupyter-mltrack:folded-sections';
/** Where more go on than these, nothing turns. */
const MOST_TURNING = 10;

export interface PanelParts {
  readonly tools: Lazy<PanelTools>;
  readonly runParts: RunParts;
  readonly settings: SettingsModel;
  readonly trans: TranslationBundle;
  readonly state: IStateDB | null;
  readonly header: () => Promise<React.ComponentType>;
  readonly notice: () => Promise<React.ComponentType>;
}

export class MltrackPanel extends Panel implements IMltrackPanel {
  private readonly sections: Section[] = [];
  private readonly body = new Panel();
  private folded: ReadonlySet<string> = new Set();
  private tools: PanelTools | null = null;

  constructor(private readonly parts: PanelParts) {
    super();
    const { trans } = parts;
    this.id = 'jupyter-mltrack-panel';
    this.title.icon = mltrackIcon;
    this.title.caption = trans.__('MLTrack: experiment tracking');
    this.addClass('mltrack-Panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('MLTrack'));
    this.body.addClass('mltrack-Body');
    this.addWidget(
      this.later(async () => React.createElement(await parts.header()), 'mltrack-HeaderHost', true)
    );
    this.addWidget(
      this.later(async () => React.createElement(await parts.notice()), 'mltrack-NoticeHost')
    );
    this.addWidget(this.body);
    parts.tools.whenMade(tools => this.take(tools));
  }

  get settings(): SettingsModel {
    return this.parts.settings;
  }

  /** Have sections folded as they were when the page was left. */
  async restore(): Promise<void> {
    const saved = await this.parts.state?.fetch(FOLDS_KEY);
    if (Array.isArray(saved)) {
      this.folded = new Set(saved.map(String));
      this.sections.forEach(section => {
        section.folded = this.folded.has(section.sectionId);
      });
    }
  }

  load(): Promise<PanelTools> {
    return this.parts.tools.get();
  }

  whenLoaded(tell: (tools: PanelTools) => void): void {
    this.parts.tools.whenMade(tell);
  }

  addSection(options: ISectionOptions): ISection {
    if (this.sections.some(section => section.sectionId === options.id)) {
      throw new Error(`The panel has a section "${options.id}" already`);
    }
    const { content } = options;
    const widget =
      content instanceof Widget
        ? content
        : this.later(() => Promise.resolve(content()), 'mltrack-Content');
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

  openSection(id: string): void {
    const section = this.sections.find(one => one.sectionId === id);
    if (section !== undefined) {
      section.folded = false;
      section.node.scrollIntoView({ block: 'nearest' });
    }
  }

  addRunPart(part: IRunPart): IDisposable {
    return this.parts.runParts.add(part);
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.tools?.store.dispose();
      super.dispose();
    }
  }

  protected override onActivateRequest(): void {
    // The first row or button: the keyboard goes on from there.
    const row = this.node.querySelector<HTMLElement>('.mltrack-Row[tabindex="0"]');
    (row ?? this.node.querySelector<HTMLElement>('button'))?.focus();
  }

  override processMessage(msg: Message): void {
    super.processMessage(msg);
    const seen = seenAfter(this, msg);
    if (seen === true) {
      this.see();
    } else if (seen === false) {
      this.tools?.store.setVisible(false);
    }
  }

  /** What is seen is filled, the first time from the server's files. */
  private see(): void {
    this.parts.tools.get().then(
      () => this.tools?.store.setVisible(this.isVisible),
      () => undefined // The header's place says so.
    );
  }

  private take(tools: PanelTools): void {
    if (this.isDisposed) {
      tools.store.dispose();
      return;
    }
    this.tools = tools;
    tools.store.stateChanged.connect(this.onStore, this);
    tools.store.live.stateChanged.connect(({ running }) => {
      this.toggleClass('mltrack-mod-many', running.length > MOST_TURNING);
    });
    this.onStore();
  }

  private later(
    element: () => Promise<React.ReactElement>,
    className: string,
    says = false
  ): Filled {
    const fetchContent = async (): Promise<React.ReactElement> => {
      const [tools, content] = await Promise.all([this.load(), element()]);
      return React.createElement(ToolsProvider, { value: tools }, content);
    };
    const widget = new Filled(fetchContent, this.parts.trans, says);
    widget.addClass(className);
    return widget;
  }

  private onStore(): void {
    const { phase } = this.tools?.store ?? { phase: 'idle' };
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
    void this.parts.state?.save(FOLDS_KEY, [...next]);
  }
}
