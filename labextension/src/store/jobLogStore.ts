/** The end of what a job printed; only what is new is asked for, until nothing more comes. */
import { VDomModel } from '@jupyterlab/ui-components';
import type { JobClient } from '../jobClient';
import type { Problem, RunId } from '../types';
import { problemOf } from './resource';

const FIRST_BYTES = 20_000;
const LINES_MAX = 1000;

export class JobLogStore extends VDomModel {
  lines: string[] = [];
  loaded = false;
  ended = false;
  problem: Problem | null = null;
  private next = -FIRST_BYTES;
  private asking = false;
  private readonly abort = new AbortController();

  constructor(
    private readonly client: JobClient,
    readonly id: RunId
  ) {
    super();
  }

  /** Ask for what came since; nothing is asked when all is here, or while an answer is awaited. */
  async load(): Promise<void> {
    if (this.asking || this.ended || this.isDisposed) {
      return;
    }
    this.asking = true;
    try {
      const part = await this.client.log(this.id, this.next, this.abort.signal);
      this.next = part.next;
      this.ended = part.ended;
      this.problem = null;
      if (part.text !== '') {
        const added = part.text.replace(/\n$/, '').split('\n');
        this.lines = [...this.lines, ...added].slice(-LINES_MAX);
      }
    } catch (error) {
      if (this.isDisposed) {
        return;
      }
      this.problem = problemOf(error);
    } finally {
      this.asking = false;
    }
    this.loaded = true;
    this.stateChanged.emit();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.abort.abort();
      super.dispose();
    }
  }
}
