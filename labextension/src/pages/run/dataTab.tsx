/** The datasets that a run used, with their columns. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { formatBytes, formatCount } from '../../format';
import { Name } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { useModel } from '../../panel/hooks';
import type { RunPageStore } from '../../store/runPageStore';
import { displayName } from '../../text';
import type { DataInfo, ModelField } from '../../types';
import { AboutPart } from '../parts/aboutPart';

export function DataTab(props: { page: RunPageStore }): JSX.Element {
  const { trans } = useTools();
  const { run, about } = props.page;
  useModel(run);
  const waits = run.running || run.detail?.merged === true;
  return (
    <AboutPart
      about={about}
      isEmpty={about => about.data.length === 0}
      empty={
        waits
          ? trans.__('What the cell used comes with the run, which is still to be sent.')
          : trans.__('No data that the cell used is known. %1 names some.', 'mlflow.log_input')
      }
    >
      {about => (
        <div className="mltrack-Scroller">
          {about.data.map((one, index) => (
            <Dataset key={index} data={one} />
          ))}
        </div>
      )}
    </AboutPart>
  );
}

/** Up to this many columns stand open. */
const OPEN_COLUMNS = 24;

/** Its name, size and use in one line, what identifies it in another, and its columns. */
function Dataset(props: { data: DataInfo }): JSX.Element {
  const { data } = props;
  const { trans } = useTools();
  const size = sizeWords(data, trans);
  return (
    <section className="mltrack-Dataset">
      <div className="mltrack-Dataset-head">
        <h3 className="mltrack-PageTitle">
          <Name text={data.name} />
        </h3>
        {size !== '' && <span className="mltrack-Dataset-size">{size}</span>}
        {data.context !== '' && (
          <span className="mltrack-Dataset-use">{wordsOfUse(data.context, trans)}</span>
        )}
      </div>
      <ul className="mltrack-Dataset-facts">
        {data.digest !== '' && (
          <li>
            {trans.__('digest')} <code>{displayName(data.digest)}</code>
          </li>
        )}
        {data.source !== '' && data.source !== data.name && (
          <li>
            {trans.__('from')} <Name text={data.source} />
          </li>
        )}
        {data.note !== '' && <li>{displayName(data.note)}</li>}
      </ul>
      <Columns columns={data.columns} />
    </section>
  );
}

function Columns(props: { columns: readonly ModelField[] }): JSX.Element | null {
  const { columns } = props;
  const { trans } = useTools();
  if (columns.length === 0 || isTensor(columns)) {
    return null;
  }
  return (
    <details className="mltrack-Fold" open={columns.length <= OPEN_COLUMNS}>
      <summary>
        {trans._n('%2 column', '%2 columns', columns.length, formatCount(columns.length))}
      </summary>
      <ul className="mltrack-Dataset-columns">
        {columns.map(({ name, type }, index) => (
          <li key={index}>
            <Name text={name} />
            <span className="mltrack-Dataset-type">{displayName(type)}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** An array has one field without a name, whose type stands with its shape. */
function isTensor(columns: readonly ModelField[]): boolean {
  return columns.length === 1 && columns[0]?.shape !== null;
}

/** `5,000 rows × 4 columns`, `600 × 28 × 28 float32 · 1.9 MB`, `210 kB`. */
function sizeWords(data: DataInfo, trans: TranslationBundle): string {
  const { shape, columns, size_bytes: size } = data;
  const [rows, width] = shape;
  const lengths = shape.map(formatCount);
  const words: string[] = [];
  if (isTensor(columns)) {
    const type = /^tensor\((.*)\)$/.exec(columns[0]?.type ?? '')?.[1] ?? '';
    words.push(`${lengths.join(' × ')} ${displayName(type)}`.trim());
  } else if (rows !== undefined && width !== undefined && shape.length === 2) {
    words.push(
      trans.__(
        '%1 × %2',
        trans._n('%2 row', '%2 rows', rows, formatCount(rows)),
        trans._n('%2 column', '%2 columns', width, formatCount(width))
      )
    );
  } else if (lengths.length > 0) {
    words.push(lengths.join(' × '));
  } else if (data.rows !== null) {
    words.push(trans._n('%2 row', '%2 rows', data.rows, formatCount(data.rows)));
  }
  if (size !== null) {
    words.push(formatBytes(size));
  }
  return words.join(' · ');
}

/** What the cell did with it; what somebody else said stands as it was said. */
function wordsOfUse(context: string, trans: TranslationBundle): string {
  switch (context) {
    case 'used':
      return trans.__('used by the cell');
    case 'file':
      return trans.__('read from a file');
    default:
      return displayName(context);
  }
}
