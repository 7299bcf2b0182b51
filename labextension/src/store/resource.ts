/** One thing that is asked of the server and shown: its value, or why there is none. */
import { VDomModel } from '@jupyterlab/ui-components';
import { ApiError } from '../client';
import type { Problem } from '../types';

export class Resource<T> extends VDomModel {
  /** The newest answer; stays while a newer one is awaited. */
  value: T | null = null;
  problem: Problem | null = null;
  loading = false;
  private abort = new AbortController();

  constructor(private readonly ask: (signal: AbortSignal) => Promise<T>) {
    super();
  }

  /** Ask now; an answer that is still awaited does not count any more. */
  async load(): Promise<void> {
    if (this.isDisposed) {
      return;
    }
    this.abort.abort();
    const { signal } = (this.abort = new AbortController());
    this.loading = true;
    this.stateChanged.emit();
    try {
      const value = await this.ask(signal);
      if (signal.aborted) {
        return;
      }
      this.value = value;
      this.problem = null;
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      this.problem = problemOf(error);
    }
    this.loading = false;
    this.stateChanged.emit();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.abort.abort();
      super.dispose();
    }
  }
}

/** What is shown of an error of the client; any other error is thrown again. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof ApiError)) {
    throw error;
  }
  return error.problem;
}
