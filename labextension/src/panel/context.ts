/** What every view of the panel and its pages needs, handed down once. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { Client } from '../client';
import type { PageArgs, PageKind } from '../pages/door';
import type { RunClient } from '../runClient';
import type { PanelStore } from '../store/panelStore';
import type { RunParts } from './runParts';

/** Something to tell in passing; `undo` puts a button beside it. */
export interface Said {
  readonly message: string;
  readonly undo?: () => void;
  /** 'success' where it is left out. */
  readonly kind?: 'success' | 'info' | 'warning' | 'error';
}

/** What the panel can do beyond showing; null where the application lacks the means. */
export interface PanelActions {
  /** Put a `%%track` cell into the notebook in front; null when there is none. */
  readonly insertTrackCell: (() => void) | null;
  /** Put a source into a new cell of the notebook used last; says so when none is open. */
  readonly insertSource: ((source: string) => void) | null;
  readonly sync: () => void;
  /** Open a page in the main area, or bring it to the front. */
  readonly openPage: (kind: PageKind, args: PageArgs) => void;
  /** The whole address of a page, for somebody else on the same server. */
  readonly linkOf: (kind: PageKind, args: PageArgs) => string;
  /** Into the clipboard; says so, or why not. */
  readonly copy: (text: string) => void;
  /** Open a notebook, below the server's root, at one of its cells. */
  readonly openNotebook: ((path: string, cellId: string) => void) | null;
  readonly notify: (said: Said) => void;
  /** Open the settings of the panel; null where there is no editor of settings. */
  readonly openSettings: (() => void) | null;
  /** Interrupt a kernel of this server; settles when it took the message. */
  readonly interrupt: (kernelId: string) => Promise<void>;
}

/** Puts code into an element as text nodes in the colours of the editor. */
export type Highlight = (code: string, language: string, place: HTMLElement) => Promise<void>;

export interface PanelTools {
  readonly store: PanelStore;
  readonly client: Client;
  readonly runClient: RunClient;
  readonly trans: TranslationBundle;
  /** As in `en` or `de-DE`, for dates. */
  readonly language: string;
  readonly actions: () => PanelActions;
  readonly runParts: RunParts;
  /** Null where the application has no editor. */
  readonly highlight: Highlight | null;
}

const Context = React.createContext<PanelTools | null>(null);

export const ToolsProvider = Context.Provider;

export function useTools(): PanelTools {
  const tools = React.useContext(Context);
  if (tools === null) {
    throw new Error('The panel was rendered outside of its provider');
  }
  return tools;
}
