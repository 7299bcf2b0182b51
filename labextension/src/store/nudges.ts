/**
 * Jupyter events of ours, decoded. The bus does not tell whether it is up, so the store finds out
 * by itself: changes that a poll sees and no nudge announced make it `deaf`, the next nudge heals.
 */
import type { Event } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import { DecodeError, nudge as decodeNudge } from '../decode';
import { NUDGE_SCHEMA_ID } from '../types';
import type { Nudge } from '../types';

/** A change is "announced" when a nudge came this shortly before a poll saw it. */
const FRESH_MS = 3000;

export class NudgeSource implements IDisposable {
  readonly nudged = new Signal<this, Nudge>(this);
  isDisposed = false;
  /** True while changes come without being announced: then polls must be quick. */
  deaf = false;
  private lastNudge = Number.NEGATIVE_INFINITY;
  private connected = false;

  constructor(private readonly stream: Event.Stream) {}

  /** Begin to listen; nothing is asked of the server. */
  open(): void {
    if (!this.connected && !this.isDisposed) {
      this.connected = true;
      this.stream.connect(this.onEvent, this);
    }
  }

  /** A poll saw a change. */
  sawChange(): void {
    this.deaf = performance.now() - this.lastNudge > FRESH_MS;
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this.isDisposed = true;
    this.stream.disconnect(this.onEvent, this);
    Signal.clearData(this);
  }

  private onEvent(_: Event.IManager, emission: Event.Emission): void {
    if (emission.schema_id !== NUDGE_SCHEMA_ID) {
      return;
    }
    let nudge: Nudge;
    try {
      nudge = decodeNudge(emission, '');
    } catch (error) {
      if (error instanceof DecodeError) {
        return; // Not of the shape we know: polls will find what it was about.
      }
      throw error;
    }
    this.lastNudge = performance.now();
    this.deaf = false;
    this.nudged.emit(nudge);
  }
}
