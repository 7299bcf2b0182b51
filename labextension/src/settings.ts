/** What the settings editor says, as typed values, from the start on and on each change. */
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Signal } from '@lumino/signaling';

const LONGEST_POLL_S = 600;

export interface PanelSettings {
  readonly xAxis: 'step' | 'time';
  /** 0 for none to 0.99. */
  readonly smoothing: number;
  readonly logY: boolean;
  readonly pollIntervalMs: number;
  /** True for a table that begins with the columns in which its runs differ. */
  readonly onlyDiffering: boolean;
  /** Columns that a table begins with otherwise, as in `metrics.loss`. */
  readonly columns: readonly string[];
  readonly notifications: boolean;
  readonly chips: boolean;
  readonly statusBar: boolean;
}

const DEFAULTS: PanelSettings = {
  xAxis: 'step',
  smoothing: 0,
  logY: false,
  pollIntervalMs: 10_000,
  onlyDiffering: true,
  columns: [],
  notifications: true,
  chips: true,
  statusBar: true
};

export class SettingsModel {
  readonly changed = new Signal<this, PanelSettings>(this);
  private current = DEFAULTS;

  get value(): PanelSettings {
    return this.current;
  }

  /** Take over the settings now and whenever they change. */
  async follow(registry: ISettingRegistry, pluginId: string): Promise<void> {
    const settings = await registry.load(pluginId);
    const apply = (): void => {
      this.current = read(settings.composite);
      this.changed.emit(this.current);
    };
    settings.changed.connect(apply);
    apply();
  }
}

function read(values: { readonly [name: string]: unknown }): PanelSettings {
  const { xAxis, smoothing, logY, pollInterval, columns } = values;
  return {
    xAxis: xAxis === 'time' ? 'time' : 'step',
    smoothing: typeof smoothing === 'number' ? clamp(smoothing, 0, 0.99) : 0,
    logY: logY === true,
    pollIntervalMs:
      typeof pollInterval === 'number'
        ? clamp(pollInterval, 1, LONGEST_POLL_S) * 1000
        : DEFAULTS.pollIntervalMs,
    onlyDiffering: values['onlyDiffering'] !== false,
    columns: Array.isArray(columns) ? columns.filter(one => typeof one === 'string') : [],
    notifications: values['notifications'] !== false,
    chips: values['chips'] !== false,
    statusBar: values['statusBar'] !== false
  };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
