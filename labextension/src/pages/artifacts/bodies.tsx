/** What is shown of an artifact, by its kind. Text nodes and checked pictures, nothing else. */
import * as React from 'react';
import { formatCount } from '../../format';
import { useTools } from '../../panel/context';
import { displayName, visibleLines } from '../../text';
import type { ArtifactPreview, NotebookCell } from '../../types';
import { blocksOf, MOST_LINES } from './markdown';
import type { Block, Span } from './markdown';

/** Text of a file, as it is. */
export function TextBody(props: { text: string; label: string }): JSX.Element {
  return (
    <pre className="mltrack-Preview-text" role="group" aria-label={props.label} tabIndex={0}>
      {visibleLines(props.text)}
    </pre>
  );
}

/** The first rows of a table. */
export function TableBody(props: { preview: ArtifactPreview; label: string }): JSX.Element {
  const { trans } = useTools();
  const { preview, label } = props;
  const { columns, rows, row_count: count } = preview;
  const shown = formatCount(rows.length);
  let caption = trans.__('%1 rows', shown);
  if (count === null) {
    caption = trans.__('first %1 rows', shown);
  } else if (count > rows.length) {
    caption = trans.__('first %1 of %2 rows', shown, formatCount(count));
  }
  return (
    <div className="mltrack-Preview-table" role="group" aria-label={label} tabIndex={0}>
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            <th aria-hidden="true" />
            {columns.map((name, index) => (
              <th key={index} scope="col" title={displayName(name)}>
                {displayName(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              <th scope="row">{formatCount(index)}</th>
              {columns.map((_, at) => (
                <td key={at}>{visibleLines(row[at] ?? '')}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A picture whose bytes were checked; shown at most as wide as its place. */
export function PictureBody(props: { address: string; label: string }): JSX.Element {
  const { trans } = useTools();
  const [isBroken, setBroken] = React.useState(false);
  React.useEffect(() => setBroken(false), [props.address]);
  if (isBroken) {
    return <p className="mltrack-Preview-note">{trans.__('The picture is damaged.')}</p>;
  }
  return (
    <div className="mltrack-Preview-picture">
      <img src={props.address} alt={props.label} onError={() => setBroken(true)} />
    </div>
  );
}

export function NotebookBody(props: {
  cells: readonly NotebookCell[];
  label: string;
}): JSX.Element {
  const { trans } = useTools();
  const { cells, label } = props;
  if (cells.length === 0) {
    return <p className="mltrack-Preview-note">{trans.__('The notebook has no cells.')}</p>;
  }
  return (
    <div className="mltrack-Preview-notebook" role="group" aria-label={label} tabIndex={0}>
      {cells.map((cell, index) => (
        <div key={index} className="mltrack-Preview-cell" data-kind={cell.kind}>
          {cell.kind === 'markdown' ? (
            <Markdown text={cell.source} />
          ) : (
            <pre className="mltrack-Preview-source">{visibleLines(cell.source)}</pre>
          )}
          {cell.outputs.map((output, at) => (
            <pre key={at} className="mltrack-Preview-output">
              {visibleLines(output)}
            </pre>
          ))}
          {cell.images.map((address, at) => (
            <img
              key={at}
              className="mltrack-Preview-outputPicture"
              src={address}
              alt={trans.__('Picture %1 of cell %2', at + 1, index + 1)}
            />
          ))}
        </div>
      ))}
    </div>
  );
}

export function MarkdownBody(props: { text: string; label: string }): JSX.Element {
  const { text, label } = props;
  const lines = React.useMemo(() => text.split('\n').length, [text]);
  if (lines > MOST_LINES) {
    return <TextBody text={text} label={label} />;
  }
  return (
    <div className="mltrack-Preview-markdown" role="group" aria-label={label} tabIndex={0}>
      <Markdown text={text} />
    </div>
  );
}

function Markdown(props: { text: string }): JSX.Element {
  const { text } = props;
  const blocks = React.useMemo(() => blocksOf(visibleLines(text)), [text]);
  return (
    <>
      {blocks.map((block, index) => (
        <BlockView key={index} block={block} />
      ))}
    </>
  );
}

function BlockView(props: { block: Block }): JSX.Element {
  const { block } = props;
  switch (block.kind) {
    case 'heading':
      return (
        <p className="mltrack-Preview-heading" data-level={block.level}>
          <Spans spans={block.spans} />
        </p>
      );
    case 'paragraph':
      return (
        <p>
          <Spans spans={block.spans} />
        </p>
      );
    case 'quote':
      return (
        <blockquote>
          <Spans spans={block.spans} />
        </blockquote>
      );
    case 'code':
      return <pre className="mltrack-Preview-source">{block.text}</pre>;
    case 'list': {
      const items = block.items.map((spans, index) => (
        <li key={index}>
          <Spans spans={spans} />
        </li>
      ));
      return block.ordered ? <ol>{items}</ol> : <ul>{items}</ul>;
    }
    case 'rule':
      return <hr />;
  }
}

function Spans(props: { spans: readonly Span[] }): JSX.Element {
  return (
    <>
      {props.spans.map((span, index) => (
        <SpanView key={index} span={span} />
      ))}
    </>
  );
}

function SpanView(props: { span: Span }): JSX.Element {
  const { kind, text } = props.span;
  switch (kind) {
    case 'code':
      return <code>{text}</code>;
    case 'strong':
      return <strong>{text}</strong>;
    case 'emphasis':
      return <em>{text}</em>;
    case 'text':
      return <>{text}</>;
  }
}
