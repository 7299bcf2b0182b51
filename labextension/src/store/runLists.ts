/** The lists of runs that are open: the panel's own, and one for each wide table. */
import type { Client } from '../client';
import { RunClient } from '../runClient';
import type { Memory } from './columnsStore';
import { ListActs } from './listActs';
import { RunsStore } from './runsStore';

export class RunLists {
  readonly main: RunsStore;
  readonly acts: ListActs;
  /** Where choices of columns are kept; null for as long as the page lives. */
  memory: Memory | null = null;
  /** With what lists begin where nothing was chosen yet; null for the columns that differ. */
  columns: readonly string[] | null = null;
  private readonly others = new Set<RunsStore>();

  constructor(private readonly client: Client) {
    this.main = this.make();
    this.acts = new ListActs(new RunClient(client), () => this.all);
  }

  /** One more list, to be closed by whoever opened it. */
  open(): RunsStore {
    const list = this.make();
    this.others.add(list);
    return list;
  }

  close(list: RunsStore): void {
    this.others.delete(list);
    list.dispose();
  }

  /** True while the first rows of some list are about to change. */
  get unsettled(): boolean {
    return this.all.some(list => list.unsettled);
  }

  async refresh(): Promise<void> {
    await Promise.all(this.all.map(list => list.refresh()));
  }

  dispose(): void {
    this.acts.dispose();
    this.all.forEach(list => list.dispose());
  }

  private get all(): RunsStore[] {
    return [this.main, ...this.others];
  }

  private make(): RunsStore {
    return new RunsStore(
      this.client,
      () => this.memory,
      () => this.columns
    );
  }
}
