/** Pages of runs put together into one list. Pure. */
import type { RunPage, RunSummary } from '../types';

/** Pages of wide rows are shorter: what a page weighs counts. */
const MOST_CELLS = 1500;
const SHORTEST_PAGE = 12;

/** How many rows to ask for, of `rows` at most, when each holds so many columns. */
export function pageLength(rows: number, columns: number): number {
  return Math.max(SHORTEST_PAGE, Math.min(rows, Math.floor(MOST_CELLS / Math.max(1, columns))));
}

/** Add a next page; what is already there (new runs shift pages) is not added twice. */
export function appendPage(rows: readonly RunSummary[], page: RunPage): RunSummary[] {
  const known = new Set(rows.map(run => run.run_id));
  return [...rows, ...page.runs.filter(run => !known.has(run.run_id))];
}

/**
 * Renew the first page of a list that has more. Rows behind it stay; a row of the old first page
 * that is gone was deleted, unless newer runs pushed it behind the end of the new first page.
 */
export function renewFirstPage(rows: readonly RunSummary[], page: RunPage): RunSummary[] {
  const last = page.runs[page.runs.length - 1];
  if (page.next_page_token === null || last === undefined) {
    return [...page.runs];
  }
  const fresh = new Set(page.runs.map(run => run.run_id));
  const behind = rows.findIndex(run => run.run_id === last.run_id);
  const rest =
    behind === -1 ? rows.filter(run => run.start_ms <= last.start_ms) : rows.slice(behind + 1);
  return [...page.runs, ...rest.filter(run => !fresh.has(run.run_id))];
}
