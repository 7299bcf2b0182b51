/** How charts are drawn; the start values come from the settings, the toolbar changes them. */
import { VDomModel } from '@jupyterlab/ui-components';

export type XAxis = 'step' | 'time';

export interface ChartOptions {
  readonly xAxis: XAxis;
  /** 0 for none to 0.99. */
  readonly smoothing: number;
  readonly logY: boolean;
}

export class OptionsModel extends VDomModel {
  private current: ChartOptions = { xAxis: 'step', smoothing: 0, logY: false };

  get value(): ChartOptions {
    return this.current;
  }

  set(change: Partial<ChartOptions>): void {
    this.current = { ...this.current, ...change };
    this.stateChanged.emit();
  }
}
