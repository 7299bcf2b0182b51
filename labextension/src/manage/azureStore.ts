/** The resources of the Azure ML workspace in front, asked for while somebody looks. */
import { VDomModel } from '@jupyterlab/ui-components';
import { Poll } from '@lumino/polling';
import { Pump } from '../store/pump';
import { problemOf, Resource } from '../store/resource';
import type { AzureOverview, ComputeInfo, DataListing, Problem, WorkspaceId } from '../types';
import type { ComputeAct, ManageClient } from './manageClient';

const SLOW_POLL_MS = 60_000;
const QUICK_POLL_MS = 5000;
const LONGEST_POLL_MS = 300_000;
/** States of the service that pass by themselves. */
const MOVING = new Set([
  'Creating',
  'Deleting',
  'Resizing',
  'Restarting',
  'SettingUp',
  'Starting',
  'Stopping',
  'Updating'
]);

/** Whether a state is on its way to another one. */
export function isMoving(state: string): boolean {
  return MOVING.has(state);
}

export class AzureStore extends VDomModel {
  /** The newest answer; stays while a newer one is awaited. */
  overview: AzureOverview | null = null;
  problem: Problem | null = null;
  /** Computes that are being changed from here, until the service took it on. */
  readonly busy = new Set<string>();
  workspace: WorkspaceId | null = null;
  /** The row that is to be unfolded: `c NAME` of a compute, `e NAME` of an endpoint. */
  wanted = '';
  private watched = false;
  private health = '';
  private abort = new AbortController();
  private readonly pump = new Pump(() => this.fetch());
  private readonly poll: Poll;

  constructor(private readonly client: ManageClient) {
    super();
    this.poll = new Poll({
      auto: false,
      name: 'jupyter-mltrack:azure',
      factory: async () => {
        await this.pump.request();
        if (this.problem !== null) {
          throw new Error(this.problem.message); // The poll backs off.
        }
      },
      frequency: { interval: SLOW_POLL_MS, backoff: true, max: LONGEST_POLL_MS },
      standby: () => (this.watched ? 'when-hidden' : true)
    });
  }

  /** What costs money now: how many of the computes and endpoints. */
  get costing(): number {
    const { computes = [], endpoints = [] } = this.overview ?? {};
    return [...computes, ...endpoints].filter(one => one.costs !== '').length;
  }

  /** The workspace to show; null for one that is not of Azure ML. */
  show(workspace: WorkspaceId | null): void {
    if (workspace === this.workspace || this.isDisposed) {
      return;
    }
    this.workspace = workspace;
    this.abort.abort();
    this.abort = new AbortController();
    this.overview = null;
    this.problem = null;
    this.busy.clear();
    this.stateChanged.emit();
    if (workspace !== null && this.watched) {
      void this.poll.refresh();
    }
  }

  /** Have a row unfolded, as soon as it is there. */
  want(key: string): void {
    this.wanted = key;
    this.stateChanged.emit();
  }

  /** How the workspace is, in one word: what was refused is asked again when that changes. */
  heard(health: string): void {
    const changed = health !== this.health;
    this.health = health;
    if (changed && this.problem !== null && this.watched) {
      void this.poll.refresh();
    }
  }

  setWatched(watched: boolean): void {
    if (this.isDisposed || watched === this.watched) {
      return;
    }
    this.watched = watched;
    if (watched) {
      void this.poll.start();
      void this.poll.refresh();
    }
  }

  refresh(): Promise<void> {
    return this.pump.request();
  }

  /** One folder of a datastore of the workspace in front; whoever asks disposes of it. */
  folder(workspace: WorkspaceId, datastore: string, path: string): Resource<DataListing> {
    return new Resource(signal => this.client.data(workspace, datastore, path, signal));
  }

  /** Change a compute; the problem where it was refused, else null. */
  async change(name: string, act: ComputeAct): Promise<Problem | null> {
    const { workspace } = this;
    if (workspace === null || this.busy.has(name)) {
      return null;
    }
    const { signal } = this.abort;
    this.busy.add(name);
    this.stateChanged.emit();
    let failed: Problem | null = null;
    try {
      const answer = await this.client.changeCompute(workspace, name, act, signal);
      if (!signal.aborted) {
        this.take(name, answer.compute ?? null);
      }
    } catch (error) {
      if (!signal.aborted) {
        failed = problemOf(error);
      }
    }
    this.busy.delete(name);
    this.adjustPoll();
    this.stateChanged.emit();
    return failed;
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.abort.abort();
      this.poll.dispose();
      this.pump.dispose();
      super.dispose();
    }
  }

  /** Put what the service said of one compute in its place; null takes it out. */
  private take(name: string, compute: ComputeInfo | null): void {
    if (this.overview !== null) {
      const computes = this.overview.computes.flatMap(one =>
        one.name !== name ? [one] : compute === null ? [] : [compute]
      );
      this.overview = { ...this.overview, computes };
    }
  }

  private async fetch(): Promise<void> {
    const { workspace } = this;
    if (workspace === null) {
      return;
    }
    const { signal } = this.abort;
    try {
      const overview = await this.client.overview(workspace, signal);
      if (signal.aborted) {
        return;
      }
      this.overview = overview;
      this.problem = null;
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      this.problem = problemOf(error);
    }
    this.adjustPoll();
    this.stateChanged.emit();
  }

  private adjustPoll(): void {
    const { computes = [], endpoints = [] } = this.overview ?? {};
    const moving = [...computes, ...endpoints].some(one => isMoving(one.state));
    const interval = moving ? QUICK_POLL_MS : SLOW_POLL_MS;
    if (this.poll.frequency.interval !== interval) {
      this.poll.frequency = { interval, backoff: true, max: LONGEST_POLL_MS };
    }
  }
}
