/** What compared runs have, one row for each metric, parameter and tag. */
import * as React from 'react';
import { formatCount, formatNumber } from '../../format';
import { Name } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { useModel } from '../../panel/hooks';
import type { CompareStore } from '../../store/compareStore';
import { displayName, readableKey } from '../../text';
import type { RunDetail } from '../../types';
import { VirtualTable } from '../parts/virtualTable';
import type { TableColumn } from '../parts/virtualTable';
import { bestOf, rowId, valueRows } from './values';
import type { ValueKind, ValueRow } from './values';

export function TableTab(props: { compare: CompareStore }): JSX.Element {
  const { compare } = props;
  const { trans } = useTools();
  useModel(compare);
  const [all, setAll] = React.useState(false);
  const [search, setSearch] = React.useState('');
  const { shown } = compare;
  const rows = valueRows(shown);
  const columns = useColumns(shown);
  const words = search.toLowerCase().split(/\s+/);
  const found = rows.filter(
    row =>
      (all || row.differs) && words.every(word => readableKey(row.key).toLowerCase().includes(word))
  );
  const same = rows.length - rows.filter(row => row.differs).length;
  return (
    <div className="mltrack-CompareTable">
      <div className="mltrack-Controls">
        <input
          type="search"
          className="jp-mod-styled mltrack-Input mltrack-mod-search"
          value={search}
          spellCheck={false}
          placeholder={trans.__('Search names')}
          aria-label={trans.__('Search metrics, parameters and tags')}
          onChange={event => setSearch(event.currentTarget.value)}
        />
        <label className="mltrack-Control">
          <input
            type="checkbox"
            checked={!all}
            onChange={event => setAll(!event.currentTarget.checked)}
          />
          <span>{trans.__('only what differs')}</span>
        </label>
        {!all && same > 0 && (
          <span>
            {trans._n('%2 row is the same', '%2 rows are the same', same, formatCount(same))}
          </span>
        )}
      </div>
      {found.length === 0 ? (
        <p className="mltrack-Empty-line">
          {shown.length === 0 ? trans.__('No run is checked.') : trans.__('Nothing differs.')}
        </p>
      ) : (
        <VirtualTable
          label={trans.__('Compared values')}
          columns={columns}
          rows={found}
          keyOf={rowId}
        />
      )}
    </div>
  );
}

function useColumns(shown: readonly RunDetail[]): readonly TableColumn<ValueRow>[] {
  const { trans } = useTools();
  const kinds: { readonly [kind in ValueKind]: string } = {
    metrics: trans.__('metric'),
    params: trans.__('parameter'),
    tags: trans.__('tag')
  };
  return [
    {
      name: 'key',
      head: trans.__('name'),
      width: 'minmax(120px, 220px)',
      isHead: true,
      cell: row => <Name text={readableKey(row.key)} />
    },
    { name: 'kind', head: '', width: '96px', cell: row => kinds[row.kind] },
    ...shown.map((run, index) => ({
      name: run.summary.run_id,
      head: <Name text={run.summary.name} className="mltrack-mod-number" />,
      width: 'minmax(128px, 1fr)',
      isNumber: true,
      cell: (row: ValueRow) => <Value row={row} index={index} />
    }))
  ];
}

/** One value; the best of a row says so in words. */
function Value(props: { row: ValueRow; index: number }): JSX.Element {
  const { row, index } = props;
  const { trans } = useTools();
  const text = row.texts[index] ?? null;
  if (text === null) {
    return <span title={trans.__('not there')}>–</span>;
  }
  const shown = row.kind === 'metrics' ? formatNumber(row.numbers[index] ?? null, text) : null;
  const isBest = bestOf(row).has(index);
  return (
    <span title={displayName(text)} className={isBest ? 'mltrack-Best' : undefined}>
      {isBest && <span className="mltrack-Best-word">{trans.__('best')}</span>}
      {shown ?? <Name text={text} className="mltrack-mod-number" />}
    </span>
  );
}
