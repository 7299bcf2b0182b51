/** Who looks: the panel, and pages of the main area. */
import { DisposableDelegate } from '@lumino/disposable';
import type { IDisposable } from '@lumino/disposable';

export class Lookers {
  count = 0;

  /**
   * @param changed called after each coming and going, with whether somebody looks who did not.
   */
  constructor(private readonly changed: (began: boolean) => void) {}

  /** Somebody looks until the answer is disposed of. */
  look(): IDisposable {
    this.count += 1;
    this.changed(this.count === 1);
    return new DisposableDelegate(() => {
      this.count -= 1;
      this.changed(false);
    });
  }
}
