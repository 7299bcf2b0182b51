/**
 * Who is signed in, and a sign-in that waits for a person. The sign-in belongs to a process on the
 * server: this page shows it, and one that was reloaded finds it again.
 */
import { VDomModel } from '@jupyterlab/ui-components';
import { Poll } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import { problemOf } from '../store/resource';
import type { AccountReport, Problem, SignIn, WorkspaceId } from '../types';
import type { AccountClient } from './client';

const LOOK_MS = 1500;
const LONGEST_LOOK_MS = 20_000;

export function isOpen(found: SignIn | null): boolean {
  return found !== null && (found.state === 'starting' || found.state === 'waiting');
}

/** Somebody signed in or out in one of the places that show it. */
export const accountChanged = new Signal<object, AccountStore>({});

export class AccountStore extends VDomModel {
  report: AccountReport | null = null;
  signIn: SignIn | null = null;
  problem: Problem | null = null;
  /** True while something that a person asked for is under way. */
  busy = false;
  private readonly abort = new AbortController();
  private readonly poll: Poll;

  constructor(
    private readonly client: AccountClient,
    private readonly workspace: WorkspaceId | null,
    private readonly onSignedIn: () => void
  ) {
    super();
    this.poll = new Poll({
      auto: false,
      name: 'jupyter-mltrack:sign-in',
      factory: () => this.look(),
      frequency: { interval: LOOK_MS, backoff: true, max: LONGEST_LOOK_MS },
      standby: () => (isOpen(this.signIn) ? 'when-hidden' : true)
    });
  }

  /** Ask who is signed in. */
  load(): Promise<void> {
    return this.doing(async signal => {
      this.take(await this.client.account(this.workspace, signal));
    });
  }

  begin(): Promise<void> {
    return this.doing(async signal => {
      this.watch(await this.client.begin(this.workspace, signal));
    });
  }

  cancel(): Promise<void> {
    const open = this.signIn;
    return this.doing(async signal => {
      this.signIn = null;
      if (open !== null) {
        await this.client.cancel(open.id, signal);
      }
    });
  }

  out(): Promise<void> {
    return this.doing(async signal => {
      this.take(await this.client.out(signal));
      this.onSignedIn();
      accountChanged.emit(this);
    });
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.abort.abort();
      this.poll.dispose();
      super.dispose();
    }
  }

  private take(report: AccountReport): void {
    this.report = report;
    if (report.signing_in !== null) {
      this.watch(report.signing_in);
    }
  }

  private watch(found: SignIn): void {
    this.signIn = found;
    if (isOpen(found)) {
      void this.poll.start();
    }
  }

  private async look(): Promise<void> {
    const open = this.signIn;
    if (open === null || !isOpen(open)) {
      await this.poll.stop();
      return;
    }
    const found = await this.client.look(open.id, this.abort.signal);
    if (this.isDisposed || this.signIn?.id !== found.id) {
      return;
    }
    this.signIn = found;
    this.stateChanged.emit();
    if (found.state === 'done') {
      this.signIn = null;
      await this.load();
      this.onSignedIn();
      accountChanged.emit(this);
    }
  }

  private async doing(act: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (this.isDisposed) {
      return;
    }
    const { signal } = this.abort;
    this.busy = true;
    this.stateChanged.emit();
    try {
      await act(signal);
      this.problem = null;
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      this.problem = problemOf(error);
    }
    this.busy = false;
    this.stateChanged.emit();
  }
}
