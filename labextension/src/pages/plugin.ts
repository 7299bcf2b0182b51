/** Opens pages: by command, by address, and again after a reload. */
import { ILayoutRestorer, IRouter } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification, WidgetTracker } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';
import { SplitPanel, TabPanel } from '@lumino/widgets';
import type { Widget } from '@lumino/widgets';
import { IModelRoom } from '../modelPlugins';
import { mltrackIcon } from '../panel/icons';
import { IMltrackPanel } from '../token';
import { doorOf, doorOfQuery, keyOf, OPEN_PAGE, plainArgs } from './door';
import type { PageDoor, PageKind } from './door';
import { PAGES } from './loaders';
import { PageWidget } from './pageWidget';

const DOMAIN = 'jupyter_mltrack';
const OPEN_ADDRESS = 'jupyter-mltrack:open-address';
const LEAST_HEIGHT_PX = 160;
const ADDRESS = /[?&]mltrack=/;

function titleOf(kind: PageKind, trans: TranslationBundle): string {
  switch (kind) {
    case 'run':
      return trans.__('Run');
    case 'compare':
      return trans.__('Comparison');
    case 'runs':
      return trans.__('Runs');
    case 'version':
      return trans.__('Model version');
  }
}

export const pagesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mltrack:pages',
  description: 'Opens runs, comparisons, tables of runs and model versions in the main area.',
  autoStart: true,
  requires: [IMltrackPanel, IModelRoom],
  optional: [ILayoutRestorer, IRouter, ITranslator],
  activate: activatePages
};

function activatePages(
  app: JupyterFrontEnd,
  panel: IMltrackPanel,
  models: IModelRoom,
  restorer: ILayoutRestorer | null,
  router: IRouter | null,
  translator: ITranslator | null
): void {
  const trans = (translator ?? nullTranslator).load(DOMAIN);
  const tracker = new WidgetTracker<PageWidget>({ namespace: 'jupyter-mltrack-page' });
  const open = (door: PageDoor): void => {
    const key = keyOf(door);
    const known = tracker.find(page => keyOf(page.content.door) === key);
    const page = known ?? makePage(door);
    if (!page.isAttached) {
      app.shell.add(page, 'main', { type: 'MLTrack' });
    }
    if (!page.isAttached) {
      app.shell.add(page, 'down', { type: 'MLTrack' }); // One document fills the main area.
    }
    app.shell.activateById(page.id);
    requestAnimationFrame(() => giveRoom(page));
  };
  const makePage = (door: PageDoor): PageWidget => {
    const page = new PageWidget({
      door,
      title: titleOf(door.kind, trans),
      icon: mltrackIcon,
      trans,
      load: () => panel.load(),
      component: PAGES[door.kind],
      provide: element => models.provide(element)
    });
    page.content.argsChanged.connect(() => void tracker.save(page));
    void tracker.add(page);
    return page;
  };
  app.commands.addCommand(OPEN_PAGE, {
    label: trans.__('MLTrack: Open page'),
    describedBy: { args: { type: 'object', properties: { kind: { type: 'string' } } } },
    execute: args => {
      const door = doorOf(args);
      if (door === null) {
        Notification.warning(trans.__('The address names no page of MLTrack.'));
      } else {
        open(door);
      }
    }
  });
  void restorer?.restore(tracker, {
    command: OPEN_PAGE,
    args: page => plainArgs(page.content.door),
    name: page => keyOf(page.content.door)
  });
  if (router !== null) {
    followAddress(app, router, trans, open);
  }
}

/** Have a page that was put below the main area in front there, and high enough to be read. */
function giveRoom(page: Widget): void {
  let child = page;
  for (let { parent } = child; parent !== null; { parent } = child) {
    if (parent instanceof TabPanel) {
      parent.currentWidget = page;
    } else if (parent instanceof SplitPanel && parent.orientation === 'vertical') {
      if (page.node.clientHeight < LEAST_HEIGHT_PX) {
        parent.setRelativeSizes(parent.widgets.map(one => (one === child ? 2 : 1)));
      }
      return;
    }
    child = parent;
  }
}

/** Open the page that the browser's address asks for, and take it out of the address. */
function followAddress(
  app: JupyterFrontEnd,
  router: IRouter,
  trans: TranslationBundle,
  open: (door: PageDoor) => void
): void {
  app.commands.addCommand(OPEN_ADDRESS, {
    label: trans.__('MLTrack: Open the page of the address'),
    isVisible: () => false,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => {
      const { path, search = '', hash } = router.current;
      const door = doorOfQuery(search);
      const rest = search.replace(/[?&]mltrack=[^&]*/, '').replace(/^&/, '?');
      router.navigate(`${path}${rest}${hash}`, { skipRouting: true });
      void app.restored.then(() => {
        if (door === null) {
          Notification.warning(trans.__('The address names no page of MLTrack.'));
        } else {
          open(door);
        }
      });
    }
  });
  router.register({ command: OPEN_ADDRESS, pattern: ADDRESS });
}
