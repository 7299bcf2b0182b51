/** Alerts of live runs as notifications, once each, also over reloads and in a second page. */
import { Notification } from '@jupyterlab/apputils';
import type { PanelTools } from '../panel/context';
import type { SettingsModel } from '../settings';
import { displayName } from '../text';
import type { LiveRun, RunAlert } from '../types';

const TOLD_KEY = 'jupyter-mltrack:told-alerts';
const MOST_REMEMBERED = 500;
const SHOWN_MS = 30_000;

export function tellAlerts(tools: PanelTools, settings: SettingsModel): void {
  const { live } = tools.store;
  const told = new Set<string>();
  const look = (): void => {
    if (!settings.value.notifications) {
      return;
    }
    for (const run of live.runs) {
      for (const alert of run.alerts) {
        const key = `${run.summary.run_id} ${alert.rule} ${alert.at_ms}`;
        if (!told.has(key)) {
          told.add(key);
          if (isNew(key)) {
            tell(tools, run, alert);
          }
        }
      }
    }
  };
  live.stateChanged.connect(look);
  look();
}

function tell(tools: PanelTools, run: LiveRun, alert: RunAlert): void {
  const { trans, actions } = tools;
  const { name, workspace_id: workspace, run_id } = run.summary;
  Notification.warning(`${displayName(name)}: ${displayName(alert.message)}`, {
    autoClose: SHOWN_MS,
    actions: [
      {
        label: trans.__('Open run'),
        callback: () => actions().openPage('run', { workspace, runIds: [run_id] })
      }
    ]
  });
}

/** Remember that this browser has told of it; false when it had. */
function isNew(key: string): boolean {
  const known = remembered();
  if (known.includes(key)) {
    return false;
  }
  try {
    const kept = [...known, key].slice(-MOST_REMEMBERED);
    window.localStorage.setItem(TOLD_KEY, JSON.stringify(kept));
  } catch {
    // A browser that keeps nothing: the page itself remembers.
  }
  return true;
}

function remembered(): string[] {
  try {
    const kept: unknown = JSON.parse(window.localStorage.getItem(TOLD_KEY) ?? '[]');
    return Array.isArray(kept) ? kept.map(String) : [];
  } catch {
    return [];
  }
}
