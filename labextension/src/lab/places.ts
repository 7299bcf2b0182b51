/** What stands elsewhere in JupyterLab, opened when there is something to show. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { IStatusBar } from '@jupyterlab/statusbar';
import type { PanelTools } from '../panel/context';
import type { SettingsModel } from '../settings';
import { tellAlerts } from './alerts';
import { CellChips } from './chips';
import { Glance } from './glance';
import { StatusItem } from './statusItem';
import { openOnClick } from './viewNames';

export interface PlacesParts {
  readonly app: JupyterFrontEnd;
  readonly tools: PanelTools;
  readonly settings: SettingsModel;
  readonly notebooks: INotebookTracker | null;
  readonly statusBar: IStatusBar | null;
}

export interface Places {
  readonly glance: Glance;
}

export function openPlaces(parts: PlacesParts): Places {
  const { tools, settings, notebooks, statusBar } = parts;
  const glance = new Glance(tools.store);
  glance.open();
  tellAlerts(tools, settings);
  if (notebooks !== null) {
    new CellChips(tools, settings, notebooks).open();
    openOnClick(tools, parts.app.shell.node);
  }
  if (statusBar !== null) {
    const item = new StatusItem(tools, settings, parts.app.commands);
    statusBar.registerStatusItem('jupyter-mltrack:running', {
      item,
      align: 'left',
      rank: 90,
      isActive: () => item.active,
      activeStateChanged: item.activeChanged
    });
  }
  return { glance };
}
