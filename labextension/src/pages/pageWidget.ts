/** A page in the main area: a frame whose content is fetched when it is first seen. */
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';
import { Signal } from '@lumino/signaling';
import * as React from 'react';
import { ToolsProvider } from '../panel/context';
import type { PanelTools } from '../panel/context';
import { Filled } from '../panel/filled';
import { seenAfter } from '../panel/seen';
import { keyOf } from './door';
import type { PageArgs, PageDoor } from './door';
import type { PageComponent } from './loaders';

export interface PageParts {
  readonly door: PageDoor;
  readonly title: string;
  readonly icon: LabIcon;
  readonly trans: TranslationBundle;
  readonly load: () => Promise<PanelTools>;
  readonly component: () => Promise<PageComponent>;
  /** The contents of what else pages share. */
  readonly provide: (element: React.ReactElement) => Promise<React.ReactElement>;
}

/** What the page shows; it counts as somebody who looks while it can be seen. */
export class PageContent extends Filled {
  readonly argsChanged = new Signal<this, PageArgs>(this);
  door: PageDoor;
  private look: IDisposable | null = null;
  private tools: PanelTools | null = null;

  constructor(parts: PageParts) {
    super(() => this.make(parts), parts.trans);
    this.door = parts.door;
    this.id = `jupyter-mltrack-page-${keyOf(parts.door)}`;
    this.title.label = parts.title;
    this.title.icon = parts.icon;
    this.title.closable = true;
    this.addClass('mltrack-Panel');
    this.addClass('mltrack-PageHost');
    this.node.dataset['page'] = parts.door.kind;
  }

  override dispose(): void {
    this.look?.dispose();
    this.look = null;
    super.dispose();
  }

  override processMessage(msg: Message): void {
    super.processMessage(msg);
    const seen = seenAfter(this, msg);
    if (seen !== null) {
      this.see(seen);
    }
  }

  private see(seen: boolean): void {
    if (!seen) {
      this.look?.dispose();
      this.look = null;
    } else if (this.tools !== null) {
      this.look ??= this.tools.store.look();
    }
  }

  private async make(parts: PageParts): Promise<React.ReactElement> {
    const [tools, component, { PageFrame }] = await Promise.all([
      parts.load(),
      parts.component(),
      import('./frame')
    ]);
    this.tools = tools;
    this.see(this.isVisible);
    const page = React.createElement(component, {
      args: this.door.args,
      setTitle: title => {
        this.title.label = title;
        this.title.caption = title;
      },
      setArgs: args => {
        this.door = { kind: this.door.kind, args };
        this.argsChanged.emit(args);
      }
    });
    const framed = React.createElement(PageFrame, null, await parts.provide(page));
    return React.createElement(ToolsProvider, { value: tools }, framed);
  }
}

export class PageWidget extends MainAreaWidget<PageContent> {
  constructor(parts: PageParts) {
    const content = new PageContent(parts);
    super({ content });
    this.id = `${content.id}-frame`;
    this.toolbar.hide();
  }
}
