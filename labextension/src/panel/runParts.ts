/** What others show in an opened run. */
import { VDomModel } from '@jupyterlab/ui-components';
import { DisposableDelegate } from '@lumino/disposable';
import type { IDisposable } from '@lumino/disposable';
import type { IRunPart } from '../token';

/** The part that registers a model of the run. */
export const REGISTER_PART = 'register';

export class RunParts extends VDomModel {
  parts: readonly IRunPart[] = [];

  add(part: IRunPart): IDisposable {
    if (this.parts.some(one => one.id === part.id)) {
      throw new Error(`Runs have a part "${part.id}" already`);
    }
    this.parts = [...this.parts, part].sort((a, b) => a.rank - b.rank);
    this.stateChanged.emit();
    return new DisposableDelegate(() => {
      this.parts = this.parts.filter(one => one !== part);
      this.stateChanged.emit();
    });
  }
}
