/** Names with their values; long lists draw only what can be seen. */
import * as React from 'react';
import { Name } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { displayName, readableKey, shortenMiddle, visible } from '../../text';
import type { Pair } from '../../types';
import { VirtualTable } from './virtualTable';
import type { TableColumn } from './virtualTable';

/** Up to this many stand in the page whole, each as high as its value. */
const WHOLE_UP_TO = 200;
const LONGEST_VALUE = 2000;
const ACTS_WIDTH = '64px';

export function PairsTable(props: {
  label: string;
  pairs: readonly Pair[];
  empty: string;
  /** What can be done to one of them. */
  acts?: (pair: Pair) => React.ReactNode;
}): JSX.Element {
  const { label, pairs, acts } = props;
  const { trans } = useTools();
  const columns = React.useMemo<readonly TableColumn<Pair>[]>(
    () => [
      {
        name: 'key',
        head: trans.__('name'),
        width: 'minmax(80px, 2fr)',
        isHead: true,
        cell: ({ key }) => <Name text={readableKey(key)} />
      },
      {
        name: 'value',
        head: trans.__('value'),
        width: 'minmax(80px, 3fr)',
        cell: ({ value }) => <Name text={value} className="mltrack-mod-code" />
      },
      ...(acts === undefined
        ? []
        : [{ name: 'acts', head: trans.__('change'), width: ACTS_WIDTH, cell: acts }])
    ],
    [trans, acts]
  );
  if (pairs.length === 0) {
    return <p className="mltrack-Empty-line">{props.empty}</p>;
  }
  if (pairs.length > WHOLE_UP_TO) {
    return (
      <div className="mltrack-Tall">
        <VirtualTable label={label} columns={columns} rows={pairs} keyOf={({ key }) => key} />
      </div>
    );
  }
  return (
    <table className="mltrack-Pairs" aria-label={label}>
      <tbody>
        {pairs.map(({ key, value }) => (
          <tr key={key}>
            <th scope="row">
              <Name text={readableKey(key)} />
            </th>
            <td title={displayName(value)}>
              <bdi>{shortenMiddle(value, LONGEST_VALUE).split('\n').map(visible).join('\n')}</bdi>
            </td>
            {acts !== undefined && <td className="mltrack-Pairs-acts">{acts({ key, value })}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
