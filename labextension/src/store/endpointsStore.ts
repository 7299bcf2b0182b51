/** Endpoints and the deploys under way, asked for quickly while somebody looks or waits. */
import type { ModelClient } from '../modelClient';
import type { EndpointInfo, JobInfo, WorkspaceId } from '../types';
import { EndpointStore } from './endpointStore';
import { PolledStore } from './polledStore';

const QUICK_POLL_MS = 2000;

export class EndpointsStore extends PolledStore {
  endpoints: EndpointInfo[] = [];
  jobs: JobInfo[] = [];
  /** The endpoint that somebody asked to see, until the section has shown it. */
  wanted: string | null = null;
  private readonly opened = new Map<string, EndpointStore>();

  constructor(private readonly client: ModelClient) {
    super('endpoints', QUICK_POLL_MS);
  }

  /** True while something is being made. */
  get deploying(): boolean {
    return (
      this.jobs.some(job => job.state === 'running') ||
      this.endpoints.some(one => one.state === 'deploying')
    );
  }

  /** How many answer requests. */
  get serving(): number {
    return this.endpoints.filter(one => one.state === 'ready').length;
  }

  /** Have an endpoint opened in the section. */
  want(name: string): void {
    this.wanted = name;
    this.stateChanged.emit();
    void this.refresh();
  }

  /** What is known of an endpoint that was opened; kept while the page lives. */
  endpoint(info: EndpointInfo): EndpointStore {
    const there = (info.resource ?? '') !== '';
    return this.opening(info.name, there ? info.workspace_id : null, () => undefined);
  }

  /**
   * The same of one that lives in Azure, whoever made it.
   * @param onChanged called when something was done to it.
   */
  cloudEndpoint(name: string, workspace: WorkspaceId, onChanged: () => void): EndpointStore {
    return this.opening(name, workspace, onChanged);
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.opened.forEach(one => one.dispose());
      super.dispose();
    }
  }

  protected get underWay(): boolean {
    return this.deploying;
  }

  protected async ask(signal: AbortSignal): Promise<() => void> {
    const answer = await this.client.endpoints(signal);
    return () => {
      this.endpoints = answer.endpoints;
      this.jobs = answer.jobs;
      this.letGo();
    };
  }

  private opening(
    name: string,
    workspace: WorkspaceId | null,
    onChanged: () => void
  ): EndpointStore {
    const key = `${workspace ?? ''} ${name}`;
    const found = this.opened.get(key);
    if (found !== undefined) {
      return found;
    }
    const made = new EndpointStore(this.client, { name, workspace }, () => {
      void this.refresh();
      onChanged();
    });
    this.opened.set(key, made);
    return made;
  }

  /** Drop what is known of endpoints that are gone. */
  private letGo(): void {
    const there = new Set(this.endpoints.map(one => ` ${one.name}`));
    for (const [key, store] of this.opened) {
      // What lives in Azure may be shown without having been made from here.
      if (key.startsWith(' ') && !there.has(key)) {
        this.opened.delete(key);
        store.dispose();
      }
    }
  }
}
