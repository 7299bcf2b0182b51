/** What every view of the panel needs, handed down once. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { PanelStore } from '../store/panelStore';

/** What the panel can do beyond showing; null where the application lacks the means. */
export interface PanelActions {
  /** Put a `%%track` cell into the notebook in front; null when there is none. */
  readonly insertTrackCell: (() => void) | null;
  readonly sync: () => void;
}

export interface PanelTools {
  readonly store: PanelStore;
  readonly trans: TranslationBundle;
  /** As in `en` or `de-DE`, for dates. */
  readonly language: string;
  readonly actions: () => PanelActions;
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
