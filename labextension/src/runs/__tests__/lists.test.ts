import { describe, expect, it } from 'vitest';
import { runSummary } from '../../decode';
import { differing } from '../../store/ownColumns';
import { fitting, queryOf, START_WISH } from '../../store/runsQuery';
import { all, extended, nothing, pruned, toggled } from '../../store/selection';
import { isSortable, orderTerm, termOf, written } from '../../store/terms';
import type { ColumnInfo, RunSummary } from '../../types';
import { proposals } from '../completion';
import { csvField, csvHead, csvRow } from '../csv';
import { markdownCell, markdownTable } from '../markdown';
import { place, seenColumns } from '../tableColumns';

function column(kind: ColumnInfo['kind'], key: string, ...values: string[]): ColumnInfo {
  return { kind, key, runs: 3, differs: values.length > 1, values };
}

const COLUMNS = [
  column('metrics', 'loss', '0.5', '0.25'),
  column('metrics', 'val loss', '1'),
  column('params', 'optimizer', 'adam', "it's"),
  column('tags', 'team', 'vision')
];

function run(name: string, more: object = {}): RunSummary {
  const plain = { run_id: 'r1', workspace_id: 'w', experiment_id: null, experiment: null, name };
  const times = { status: 'FINISHED', start_ms: 0, end_ms: 1500, metrics: [] };
  return runSummary({ ...plain, ...times, ...more }, '');
}

describe('what a filter may go on with', () => {
  const labels = (text: string): string[] =>
    proposals(text, text.length, COLUMNS).items.map(one => one.label);

  it('proposes keys, quoted where they need it', () => {
    expect(labels('loss')).toEqual(['metrics.loss', 'metrics.`val loss`']);
    expect(labels('metrics.`val')).toEqual(['metrics.`val loss`']);
    expect(labels('metrics.loss > 1 and te')).toContain('tags.team');
  });

  it('proposes comparisons that the kind has', () => {
    expect(labels('metrics.loss ')).toEqual(['>', '>=', '<', '<=', '=', '!=']);
    expect(labels('params.optimizer L')).toEqual(['LIKE']);
    expect(labels('attributes.start_time ')).toContain('>=');
  });

  it('proposes values, and another condition behind them', () => {
    expect(proposals('params.optimizer = ', 19, COLUMNS).items.map(one => one.insert)).toEqual([
      "'adam' ",
      '"it\'s" '
    ]);
    expect(labels('attributes.status = F')).toEqual(['FINISHED', 'FAILED']);
    expect(labels("params.optimizer = 'adam' ")).toEqual(['and']);
  });

  it('replaces what was typed of it, and nothing before', () => {
    const text = "params.optimizer = 'x and y' and metrics.lo";
    expect(proposals(text, text.length, COLUMNS).from).toBe(text.indexOf('metrics.lo'));
  });

  it('proposes nothing where the text is not understood', () => {
    expect(labels('metrics.loss <<< 1')).toEqual([]);
    expect(labels('two words ')).toEqual([]);
  });
});

describe('terms', () => {
  it('quotes keys that need it, and gives up on those that cannot be said', () => {
    expect(written('metrics', 'loss')).toBe('metrics.loss');
    expect(written('tags', 'mlflow.user')).toBe('tags.`mlflow.user`');
    expect(written('params', 'a`b')).toBe('params."a`b"');
    expect(written('params', 'a`"b')).toBeNull();
    expect(isSortable('params.a`"b')).toBe(false);
    expect(isSortable('attributes.user')).toBe(false);
  });

  it('orders by a column, newest first without one', () => {
    expect(orderTerm(null)).toBeNull();
    expect(orderTerm({ column: 'metrics.val loss', ascending: false })).toBe(
      'metrics.`val loss` DESC'
    );
    expect(termOf('other.x')).toBeNull();
  });

  it('narrows words and filters to runs with a star', () => {
    const wish = { ...START_WISH, view: 'starred' } as const;
    expect(queryOf(wish).search).toBe("tags.`mltrack.starred` = 'true'");
    expect(queryOf({ ...wish, search: 'metrics.a > 1' }).search).toBe(
      "metrics.a > 1 and tags.`mltrack.starred` = 'true'"
    );
    expect(queryOf({ ...wish, search: "o'b x" }).search).toBe(
      "attributes.run_name ILIKE '%o_b%' and attributes.run_name ILIKE '%x%' and tags.`mltrack.starred` = 'true'"
    );
  });

  it('shows what differs, or the metrics when none does', () => {
    expect(differing(COLUMNS)).toEqual(['metrics.loss', 'params.optimizer']);
    expect(differing(COLUMNS.slice(1))).toEqual(['metrics.val loss', 'params.optimizer']);
  });
});

describe('the selection', () => {
  const keys = ['a', 'b', 'c', 'd'];

  it('takes rows one by one, and ranges from the last one', () => {
    const one = toggled(nothing<string>(), 'b');
    expect([...extended(one, keys, 'd').chosen]).toEqual(['b', 'c', 'd']);
    expect([...toggled(one, 'b').chosen]).toEqual([]);
    expect([...extended(nothing<string>(), keys, 'c').chosen]).toEqual(['c']);
  });

  it('lets go of what is not listed any more', () => {
    expect([...pruned(all(keys), ['b', 'x']).chosen]).toEqual(['b']);
  });
});

describe('a file of runs', () => {
  it('puts an apostrophe before what a spreadsheet would take for a formula', () => {
    expect(csvField('=cmd')).toBe("'=cmd");
    expect(csvField('@sum')).toBe("'@sum");
    expect(csvField('\t=x')).toBe("'\t=x");
    expect(csvField('-1+2')).toBe("'-1+2");
    expect(csvField(' +x')).toBe("' +x");
  });

  it('leaves numbers and plain words alone, and quotes what needs it', () => {
    expect(csvField('-0.5')).toBe('-0.5');
    expect(csvField('-1.5e-7')).toBe('-1.5e-7');
    expect(csvField('-inf')).toBe('-inf');
    expect(csvField('a "b", c')).toBe('"a ""b"", c"');
  });

  it('has the exact values of the columns', () => {
    const metrics = [{ key: 'loss', value: null, text: 'nan', step: 0, timestamp_ms: 0 }];
    const params = [{ key: '__proto__', value: '=1' }];
    const columns = ['metrics.loss', 'params.__proto__', 'tags.none'];
    expect(csvHead(columns).trim().endsWith('metrics.loss,params.__proto__,tags.none')).toBe(true);
    expect(csvRow(run('x', { metrics, params }), columns)).toBe(
      "r1,x,FINISHED,,,1970-01-01T00:00:00.000Z,1970-01-01T00:00:01.500Z,1.5,nan,'=1,\r\n"
    );
  });

  it('makes tables of Markdown that names cannot break', () => {
    expect(markdownCell('a|b\n<c>')).toBe('a\\|b\ufffd\\<c\\>');
    const now = { ms: 0, language: 'en' };
    expect(markdownTable([run('x')], [], ['name', 'status'], now)).toBe(
      '| name | status |\n| --- | --- |\n| x | FINISHED |'
    );
  });
});

describe('columns of a wide table', () => {
  it('are as many as an address can name', () => {
    const short = Array.from({ length: 300 }, (_, index) => `metrics.${index}`);
    expect(fitting(short)).toEqual(short.slice(0, 200));
    const long = short.map(column => column.padEnd(250, 'x'));
    expect(fitting(long).length).toBe(21);
  });

  const columns = Array.from({ length: 40 }, (_, index) => `metrics.m${index}`);
  const table = place(columns, name => (name === 'metrics.m1' ? 200 : null));

  it('stand one behind the other, as wide as somebody made them', () => {
    expect(table.placed[2]).toMatchObject({ left: 96 + 200, width: 96, position: 3 });
    expect(table.width).toBe(280 + 39 * 96 + 200);
  });

  it('are drawn where they can be seen', () => {
    const seen = seenColumns(table, 1000, 900).map(one => one.position);
    expect(seen.length).toBeLessThan(14);
    expect(seen).toContain(12);
    expect(
      seenColumns(
        place([], () => null),
        0,
        900
      )
    ).toEqual([]);
  });
});
