/** All that the panel and its pages share, made when one of them is first shown. */
// JupyterLab starts without what only the panel and its pages need.
import '../style/shown.js';
import type { Event, ServerConnection } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Client } from './client';
import type { Highlight, PanelActions, PanelTools } from './panel/context';
import type { RunParts } from './panel/runParts';
import { RunClient } from './runClient';
import type { SettingsModel } from './settings';
import { pollAway } from './store/awayPoll';
import type { Memory } from './store/columnsStore';
import { PanelStore } from './store/panelStore';

export { Header } from './panel/header';
export { LiveSection } from './panel/liveSection';
export { Notice } from './panel/notice';
export { RunsSection } from './panel/runsSection';

export interface RoomParts {
  readonly serverSettings: ServerConnection.ISettings;
  readonly events: Event.IManager;
  readonly trans: TranslationBundle;
  readonly language: string;
  readonly settings: SettingsModel;
  /** Where choices outlive the page; null where the application has no such place. */
  readonly memory: Memory | null;
  readonly runParts: RunParts;
  readonly actions: () => PanelActions;
  readonly highlight: Highlight | null;
}

export function makeTools(parts: RoomParts): PanelTools {
  const { settings, trans, language, runParts } = parts;
  const client = new Client(parts.serverSettings);
  const store = new PanelStore(client, parts.events);
  store.lists.memory = parts.memory;
  const apply = (): void => {
    const { xAxis, smoothing, logY, pollIntervalMs, onlyDiffering, columns } = settings.value;
    store.options.set({ xAxis, smoothing, logY });
    store.setPollInterval(pollIntervalMs);
    store.lists.columns = onlyDiffering ? null : columns;
  };
  settings.changed.connect(apply);
  apply();
  pollAway(store);
  return {
    store,
    client,
    runClient: new RunClient(client),
    trans,
    language,
    actions: parts.actions,
    runParts,
    highlight: parts.highlight
  };
}
