/** From the settings editor into the store. */
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { PanelStore } from './store/panelStore';

const LONGEST_POLL_S = 600;

/** Take over the settings now and whenever they change. */
export async function applySettings(
  registry: ISettingRegistry,
  pluginId: string,
  store: PanelStore
): Promise<void> {
  const settings = await registry.load(pluginId);
  const apply = (): void => {
    const { xAxis, smoothing, logY, pollInterval } = settings.composite;
    store.options.set({
      xAxis: xAxis === 'time' ? 'time' : 'step',
      smoothing: typeof smoothing === 'number' ? clamp(smoothing, 0, 0.99) : 0,
      logY: logY === true
    });
    if (typeof pollInterval === 'number') {
      store.setPollInterval(clamp(pollInterval, 1, LONGEST_POLL_S) * 1000);
    }
  };
  settings.changed.connect(apply);
  apply();
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
