/**
 * Which columns a list of runs has: what differs between the runs until somebody chooses, and then
 * what was chosen, remembered for each experiment. Keys are asked for when they are first needed.
 */
import { VDomModel } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONValue } from '@lumino/coreutils';
import { ApiError } from '../client';
import type { ColumnsQuery, RunClient } from '../runClient';
import type { Problem, RunColumns } from '../types';
import { ownColumns } from './ownColumns';
import { fitting } from './runsQuery';
import type { ColumnId } from './terms';

/** Where choices outlive the page. */
export interface Memory {
  fetch(id: string): Promise<ReadonlyPartialJSONValue | undefined>;
  save(id: string, value: ReadonlyPartialJSONValue): Promise<unknown>;
}

const MEMORY_KEY = 'jupyter-mltrack:columns';
export const NARROWEST_PX = 48;
export const WIDEST_PX = 800;

export class ColumnsStore extends VDomModel {
  known: RunColumns | null = null;
  problem: Problem | null = null;
  loading = false;
  /** What was chosen; null while the list shows what differs. */
  chosen: readonly ColumnId[] | null = null;
  /** Grows when a width changed. */
  widthsVersion = 0;
  /** What follows from the keys, made once for them. */
  private own: { of: RunColumns; columns: readonly ColumnId[] } | null = null;
  private readonly widths = new Map<ColumnId, number>();
  private query: ColumnsQuery | null = null;
  private abort = new AbortController();
  private asked = false;

  constructor(
    private readonly client: RunClient,
    private readonly memory: () => Memory | null,
    /** With what a list begins where nothing was chosen yet; null for what differs. */
    private readonly start: () => readonly ColumnId[] | null = () => null
  ) {
    super();
  }

  /** What the list shows, from left to right; null while that is not known yet. */
  get shown(): readonly ColumnId[] | null {
    if (this.chosen !== null || this.known === null) {
      return this.chosen;
    }
    if (this.own?.of !== this.known) {
      this.own = { of: this.known, columns: ownColumns(this.known.columns) };
    }
    return this.own.columns;
  }

  /** True when no more columns of names as long as those that are there can be added. */
  get full(): boolean {
    const shown = this.shown ?? [];
    const more = [...shown, ...shown.slice(-1)];
    return fitting(more).length < more.length;
  }

  widthOf(column: ColumnId): number | null {
    return this.widths.get(column) ?? null;
  }

  /** The list is another one now: its choice is fetched, its keys when they are needed. */
  async show(query: ColumnsQuery): Promise<void> {
    const before = this.query;
    this.query = query;
    if (before !== null && sameColumns(before, query)) {
      return;
    }
    this.abort.abort();
    this.abort = new AbortController();
    this.known = null;
    this.problem = null;
    this.loading = false;
    if (before === null || placeOf(before) !== placeOf(query)) {
      this.chosen = null;
      this.widths.clear();
      this.widthsVersion += 1;
      const { signal } = this.abort;
      const saved = await this.memory()?.fetch(placeOf(query));
      if (signal.aborted || this.isDisposed) {
        return;
      }
      this.chosen = fittingOf(this.start());
      this.takeOver(saved);
    }
    if (this.asked) {
      void this.load();
    }
    this.stateChanged.emit();
  }

  /** Keys are needed from now on. */
  need(): void {
    if (!this.asked) {
      this.asked = true;
      void this.load();
    }
  }

  /** Ask again, keeping what is there: new runs may have new keys. */
  refresh(): void {
    if (this.asked && !this.loading) {
      void this.load();
    }
  }

  choose(columns: readonly ColumnId[] | null): void {
    this.chosen = fittingOf(columns);
    this.save();
    this.stateChanged.emit();
  }

  /** Add a column at the end, or take it out. */
  toggle(column: ColumnId): void {
    const shown = this.shown ?? [];
    this.choose(shown.includes(column) ? shown.filter(one => one !== column) : [...shown, column]);
  }

  setWidth(column: ColumnId, widthPx: number): void {
    this.widthsVersion += 1;
    this.widths.set(column, Math.round(Math.min(Math.max(widthPx, NARROWEST_PX), WIDEST_PX)));
    this.stateChanged.emit();
  }

  /** The edge was let go of: remember where it is. */
  keepWidths(): void {
    this.save();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.abort.abort();
      super.dispose();
    }
  }

  private async load(): Promise<void> {
    const { query } = this;
    if (query === null) {
      return;
    }
    this.loading = true;
    this.stateChanged.emit();
    const { signal } = this.abort;
    try {
      const known = await this.client.columns(query, signal);
      if (signal.aborted) {
        return;
      }
      this.known = known;
      this.problem = null;
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      if (!(error instanceof ApiError)) {
        throw error;
      }
      this.problem = error.problem;
    }
    this.loading = false;
    this.stateChanged.emit();
  }

  private takeOver(saved: unknown): void {
    if (typeof saved !== 'object' || saved === null) {
      return;
    }
    const chosen: unknown = 'chosen' in saved ? saved.chosen : null;
    const widths: unknown = 'widths' in saved ? saved.widths : null;
    this.chosen = Array.isArray(chosen) ? fitting(chosen.map(String)) : null;
    this.widthsVersion += 1;
    if (Array.isArray(widths)) {
      for (const pair of widths.map(list)) {
        const [column, width] = pair;
        if (typeof column === 'string' && typeof width === 'number') {
          this.widths.set(column, width);
        }
      }
    }
  }

  private save(): void {
    if (this.query !== null) {
      const chosen = this.chosen === null ? null : [...this.chosen];
      const value = { chosen, widths: [...this.widths].map(pair => [...pair]) };
      void this.memory()?.save(placeOf(this.query), value);
    }
  }
}

function fittingOf(columns: readonly ColumnId[] | null): readonly ColumnId[] | null {
  return columns === null ? null : fitting(columns);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function placeOf(query: ColumnsQuery): string {
  return `${MEMORY_KEY}:${query.workspace}:${query.experiment ?? ''}`;
}

/** Keys of a filtered list are those of the whole one: completion needs all of them. */
function sameColumns(one: ColumnsQuery, other: ColumnsQuery): boolean {
  return placeOf(one) === placeOf(other) && one.deleted === other.deleted;
}
