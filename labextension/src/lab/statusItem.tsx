/** In the status bar: how many runs are running, and the newest value of the last one. */
import { ReactWidget } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';
import * as React from 'react';
import { CommandIDs } from '../commands';
import { formatNumber } from '../format';
import type { PanelTools } from '../panel/context';
import { runningIcon } from '../panel/icons';
import type { SettingsModel } from '../settings';
import { displayName, readableKey, shortenMiddle } from '../text';
import type { LiveRun } from '../types';

const LONGEST_KEY = 24;

export class StatusItem extends ReactWidget {
  readonly activeChanged = new Signal<this, void>(this);
  private wasActive = false;

  constructor(
    private readonly tools: PanelTools,
    private readonly settings: SettingsModel,
    private readonly commands: CommandRegistry
  ) {
    super();
    this.addClass('mltrack-StatusItem');
    tools.store.live.stateChanged.connect(this.onChange, this);
    settings.changed.connect(this.onChange, this);
    this.onChange();
  }

  /** True while there is something to say. */
  get active(): boolean {
    return this.settings.value.statusBar && this.tools.store.live.running.length > 0;
  }

  protected override render(): React.ReactElement {
    const { trans } = this.tools;
    const { running } = this.tools.store.live;
    const count = trans._n('%1 running', '%1 running', running.length);
    const newest = newestValue(running);
    const name = running[0] === undefined ? '' : displayName(running[0].summary.name);
    return (
      <button
        type="button"
        className="mltrack-StatusItem-button"
        title={trans.__('%1: show the panel of MLTrack', name)}
        onClick={() => void this.commands.execute(CommandIDs.showPanel)}
      >
        <runningIcon.react tag="span" className="mltrack-Status-icon" aria-hidden="true" />
        <span>{newest === '' ? count : `${count} · ${newest}`}</span>
      </button>
    );
  }

  private onChange(): void {
    if (this.active !== this.wasActive) {
      this.wasActive = this.active;
      this.activeChanged.emit();
    }
    if (this.active) {
      this.update();
    }
  }
}

/** `loss 0.2113` of the run that began last. */
function newestValue(running: readonly LiveRun[]): string {
  const [last] = [...running].sort((a, b) => b.summary.start_ms - a.summary.start_ms);
  const [metric] = last?.summary.metrics ?? [];
  if (metric === undefined) {
    return '';
  }
  const key = shortenMiddle(displayName(readableKey(metric.key)), LONGEST_KEY);
  return `${key} ${formatNumber(metric.value, metric.text)}`;
}
