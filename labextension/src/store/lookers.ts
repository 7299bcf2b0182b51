/** Who looks: the panel, and pages of the main area; nobody does while the browser shows another tab. */
import { DisposableDelegate } from '@lumino/disposable';
import type { IDisposable } from '@lumino/disposable';

/** What is used of the document. */
export type Sheet = Pick<Document, 'hidden' | 'addEventListener' | 'removeEventListener'>;

export class Lookers implements IDisposable {
  isDisposed = false;
  private looking = 0;
  private before = 0;

  /**
   * @param changed called after each coming and going, with whether somebody looks who did not.
   */
  constructor(
    private readonly changed: (began: boolean) => void,
    private readonly sheet: Sheet = document
  ) {}

  /** How many of them can be seen. */
  get count(): number {
    return this.sheet.hidden ? 0 : this.looking;
  }

  /** Somebody looks until the answer is disposed of. */
  look(): IDisposable {
    if (this.looking === 0) {
      this.sheet.addEventListener('visibilitychange', this.tell);
    }
    this.looking += 1;
    this.tell();
    return new DisposableDelegate(() => {
      this.looking -= 1;
      this.tell();
      if (this.looking === 0) {
        this.sheet.removeEventListener('visibilitychange', this.tell);
      }
    });
  }

  dispose(): void {
    this.isDisposed = true;
    this.sheet.removeEventListener('visibilitychange', this.tell);
  }

  private readonly tell = (): void => {
    const began = this.count > 0 && this.before === 0;
    this.before = this.count;
    this.changed(began);
  };
}
