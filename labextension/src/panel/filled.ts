/** A widget whose content is fetched when it is first seen, and which says so when that fails. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

export class Filled extends ReactWidget {
  private element: React.ReactElement | null = null;
  private fetching = false;
  private failed = false;

  constructor(
    private readonly fetchContent: () => Promise<React.ReactElement>,
    private readonly trans: TranslationBundle,
    /** False where a neighbour says it. */
    private readonly says = true
  ) {
    super();
  }

  /** Fetch the content; once, unless it failed. */
  fill(): void {
    if (this.element !== null || this.fetching || this.isDisposed) {
      return;
    }
    this.fetching = true;
    this.failed = false;
    this.fetchContent().then(
      element => this.settle(element),
      () => this.settle(null)
    );
  }

  /** What it shows became something else: fetch it anew. */
  protected refill(): void {
    this.element = null;
    this.fillIfSeen();
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this.fillIfSeen();
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    this.fillIfSeen();
  }

  protected override render(): React.ReactElement | null {
    return this.failed && this.says ? this.failure() : this.element;
  }

  private fillIfSeen(): void {
    if (this.isVisible) {
      this.fill();
    }
  }

  private settle(element: React.ReactElement | null): void {
    this.fetching = false;
    this.failed = element === null;
    this.element = element;
    if (!this.isDisposed) {
      this.update();
    }
  }

  private failure(): React.ReactElement {
    const { trans } = this;
    return React.createElement(
      'div',
      { className: 'mltrack-Notice', role: 'alert' },
      React.createElement(
        'p',
        { className: 'mltrack-Problem-message' },
        trans.__('This part of the page could not be fetched.')
      ),
      React.createElement(
        'p',
        { className: 'mltrack-Problem-hint' },
        trans.__('The server may be down or may have been updated. Reload the page.')
      ),
      React.createElement(
        'button',
        { type: 'button', className: 'mltrack-Button', onClick: () => window.location.reload() },
        trans.__('Reload')
      )
    );
  }
}
