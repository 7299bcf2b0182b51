/** The registered models of a workspace, searched, page by page; and what is done to them. */
import { VDomModel } from '@jupyterlab/ui-components';
import { Poll } from '@lumino/polling';
import type { ModelClient } from '../modelClient';
import type {
  ModelInfo,
  ModelPage,
  ModelVersionDetail,
  ModelVersionInfo,
  Problem,
  RunId,
  WorkspaceId
} from '../types';
import { Pump } from './pump';
import { problemOf, Resource } from './resource';

const PAGE_SIZE = 50;
const SEARCH_DELAY_MS = 300;
const MIN_GAP_MS = 500;
const POLL_MS = 10_000;
const LONGEST_POLL_MS = 60_000;

export class ModelsStore extends VDomModel {
  models: ModelInfo[] = [];
  total: number | null = null;
  /** False until the first answer for what is asked now. */
  loaded = false;
  search = '';
  problem: Problem | null = null;
  workspaceId: WorkspaceId | null = null;
  private nextToken: string | null = null;
  private watched = false;
  private abort = new AbortController();
  private timer: ReturnType<typeof setTimeout> | null = null;
  private readonly pump = new Pump(() => this.fetchFirst(), MIN_GAP_MS);
  private readonly poll: Poll;
  private readonly whole = new Map<string, Resource<ModelInfo>>();
  private readonly details = new Map<string, Resource<ModelVersionDetail>>();

  constructor(private readonly client: ModelClient) {
    super();
    this.poll = new Poll({
      auto: false,
      name: 'jupyter-mltrack:models',
      factory: () => this.tick(),
      frequency: { interval: POLL_MS, backoff: true, max: LONGEST_POLL_MS },
      standby: () => (this.watched ? 'when-hidden' : true)
    });
  }

  get hasMore(): boolean {
    return this.nextToken !== null;
  }

  /** Somebody looks at the list, or not any more. */
  setWatched(watched: boolean): void {
    if (watched === this.watched || this.isDisposed) {
      return;
    }
    this.watched = watched;
    if (watched) {
      void this.poll.start();
      void this.poll.refresh();
    }
  }

  show(workspaceId: WorkspaceId): void {
    if (workspaceId === this.workspaceId) {
      return;
    }
    this.workspaceId = workspaceId;
    this.search = '';
    this.models = [];
    this.total = null;
    this.forget();
    this.restart();
  }

  setSearch(search: string): void {
    this.search = search;
    this.stateChanged.emit();
    if (this.timer !== null) {
      clearTimeout(this.timer);
    }
    this.timer = setTimeout(() => {
      this.timer = null;
      this.restart();
    }, SEARCH_DELAY_MS);
  }

  /** Ask again; what is there stays until the answer is in. */
  async refresh(): Promise<void> {
    if (this.workspaceId !== null && this.watched) {
      await this.pump.request();
    }
  }

  async loadMore(): Promise<void> {
    const token = this.nextToken;
    if (token === null || this.workspaceId === null) {
      return;
    }
    this.nextToken = null;
    const { signal } = this.abort;
    try {
      const page = await this.ask(this.workspaceId, token, signal);
      if (!signal.aborted) {
        const known = new Set(this.models.map(one => one.name));
        this.models = [...this.models, ...page.models.filter(one => !known.has(one.name))];
        this.nextToken = page.next_page_token;
      }
    } catch (error) {
      if (!signal.aborted) {
        this.problem = problemOf(error);
        this.nextToken = token;
      }
    }
    this.emit(signal);
  }

  /** A model with all its versions, asked for when it is unfolded. */
  model(name: string): Resource<ModelInfo> {
    return kept(this.whole, name, signal => this.client.model(this.here(), name, signal));
  }

  /** A version with what lies in its files. */
  detail(name: string, version: string): Resource<ModelVersionDetail> {
    const words = { workspace: this.here(), name, version };
    return kept(this.details, `${version} ${name}`, signal => this.client.version(words, signal));
  }

  /** Point an alias at a version, or take it away. Returns what went wrong. */
  setAlias(name: string, version: string, alias: string, remove = false): Promise<Problem | null> {
    const words = { workspace: this.here(), name, version };
    return this.change(name, signal => this.client.setAlias(words, alias, remove, signal));
  }

  /** @param version null for the model with all its versions. */
  remove(name: string, version: string | null, confirm: string): Promise<Problem | null> {
    const workspace = this.here();
    return this.change(name, signal =>
      this.client.removeModel(workspace, name, version, confirm, signal)
    );
  }

  async register(
    workspace: WorkspaceId,
    runId: RunId,
    name: string,
    path: string | null
  ): Promise<ModelVersionInfo | Problem> {
    try {
      const { signal } = new AbortController();
      const made = await this.client.register(workspace, runId, name, path, signal);
      await this.changed(workspace, name);
      return made;
    } catch (error) {
      return problemOf(error);
    }
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    if (this.timer !== null) {
      clearTimeout(this.timer);
    }
    this.abort.abort();
    this.poll.dispose();
    this.pump.dispose();
    this.forget();
    super.dispose();
  }

  private here(): WorkspaceId {
    if (this.workspaceId === null) {
      throw new Error('No workspace is shown');
    }
    return this.workspaceId;
  }

  private async change(
    name: string,
    act: (signal: AbortSignal) => Promise<unknown>
  ): Promise<Problem | null> {
    try {
      await act(new AbortController().signal);
    } catch (error) {
      return problemOf(error);
    }
    await this.changed(this.here(), name);
    return null;
  }

  /** A model was changed, here or on a page: what is shown of it is asked for again. */
  async changed(workspace: WorkspaceId, name: string): Promise<void> {
    if (workspace !== this.workspaceId) {
      return;
    }
    const opened = [...this.details].filter(([key]) => key.endsWith(` ${name}`));
    opened.forEach(([, detail]) => void detail.load());
    await Promise.all([this.whole.get(name)?.load(), this.refresh()]);
  }

  private async tick(): Promise<void> {
    await this.refresh();
    if (this.problem !== null) {
      throw new Error(this.problem.message); // The poll backs off.
    }
  }

  private restart(): void {
    this.abort.abort();
    this.abort = new AbortController();
    this.loaded = false;
    this.problem = null;
    this.nextToken = null;
    this.stateChanged.emit();
    void this.refresh();
  }

  private async fetchFirst(): Promise<void> {
    const { workspaceId } = this;
    const { signal } = this.abort;
    if (workspaceId === null) {
      return;
    }
    try {
      const page = await this.ask(workspaceId, null, signal);
      if (signal.aborted) {
        return;
      }
      this.take(page);
      this.problem = null;
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      this.problem = problemOf(error);
    }
    this.loaded = true;
    this.emit(signal);
  }

  /** Renew the first page; models of further pages stay behind it. */
  private take(page: ModelPage): void {
    const stale = new Map(this.models.map(one => [one.name, one.updated_ms]));
    for (const one of page.models) {
      if (this.whole.has(one.name) && stale.get(one.name) !== one.updated_ms) {
        void this.whole.get(one.name)?.load();
      }
    }
    const fresh = new Set(page.models.map(one => one.name));
    const more = this.loaded && page.next_page_token !== null && this.models.length > PAGE_SIZE;
    const behind = more ? this.models.slice(PAGE_SIZE).filter(one => !fresh.has(one.name)) : [];
    this.models = [...page.models, ...behind];
    if (!more) {
      this.nextToken = page.next_page_token;
    }
    this.total = page.total;
  }

  private ask(
    workspace: WorkspaceId,
    token: string | null,
    signal: AbortSignal
  ): Promise<ModelPage> {
    return this.client.models(workspace, this.search.trim(), token, PAGE_SIZE, signal);
  }

  private emit(signal: AbortSignal): void {
    if (!signal.aborted && !this.isDisposed) {
      this.stateChanged.emit();
    }
  }

  private forget(): void {
    [...this.whole.values(), ...this.details.values()].forEach(one => one.dispose());
    this.whole.clear();
    this.details.clear();
  }
}

function kept<T>(
  known: Map<string, Resource<T>>,
  key: string,
  ask: (signal: AbortSignal) => Promise<T>
): Resource<T> {
  const found = known.get(key);
  if (found !== undefined) {
    return found;
  }
  const made = new Resource(ask);
  known.set(key, made);
  void made.load();
  return made;
}
