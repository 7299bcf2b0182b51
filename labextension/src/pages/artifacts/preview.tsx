/** The artifact that is chosen: what it is, what can be done with it, and its head. */
import { copyIcon, downloadIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { formatBytes } from '../../format';
import { Name, ProblemView, Skeleton } from '../../panel/bits';
import { useTools } from '../../panel/context';
import { useModel } from '../../panel/hooks';
import { displayName } from '../../text';
import type { ArtifactPreview } from '../../types';
import { CodeText } from '../parts/code';
import { MarkdownBody, NotebookBody, PictureBody, TableBody, TextBody } from './bodies';
import { FrameBody, svgAddress } from './frame';
import { nameOf } from './paths';
import type { ArtifactsStore } from './store';

const SKELETON_ROWS = 6;
const ROW_HEIGHT = 24;

/** Kinds that are drawn, and can be read as text too. */
const DRAWN: ReadonlySet<ArtifactPreview['kind']> = new Set(['html', 'svg', 'markdown']);

export function Preview(props: { store: ArtifactsStore }): JSX.Element {
  const { trans } = useTools();
  const { store } = props;
  const { preview, chosen } = store;
  const [asText, setAsText] = React.useState(false);
  useModel(store);
  React.useEffect(() => setAsText(false), [chosen?.path]);
  if (chosen === null) {
    return (
      <div className="mltrack-Preview">
        <p className="mltrack-Preview-note">{trans.__('Choose a file to look into it.')}</p>
      </div>
    );
  }
  const { value, problem } = preview;
  return (
    <section
      className="mltrack-Preview"
      aria-label={trans.__('Preview of %1', displayName(nameOf(chosen.path)))}
      aria-busy={preview.loading}
    >
      <Head store={store} asText={asText} onAsText={setAsText} />
      {problem !== null && (
        <div>
          <ProblemView problem={problem} />
          <button
            type="button"
            className="mltrack-Button mltrack-Preview-again"
            onClick={() => void preview.load()}
          >
            {trans.__('Try again')}
          </button>
        </div>
      )}
      {problem === null && value === null && (
        <Skeleton rows={SKELETON_ROWS} rowHeight={ROW_HEIGHT} />
      )}
      {problem === null && value !== null && <Body store={store} preview={value} asText={asText} />}
    </section>
  );
}

function Head(props: {
  store: ArtifactsStore;
  asText: boolean;
  onAsText: (asText: boolean) => void;
}): JSX.Element | null {
  const { trans, actions } = useTools();
  const { store, asText, onAsText } = props;
  const { chosen, preview } = store;
  if (chosen === null) {
    return null;
  }
  const size = preview.value?.size_bytes ?? chosen.size_bytes;
  const isDrawn = preview.value !== null && DRAWN.has(preview.value.kind);
  return (
    <div className="mltrack-Preview-head">
      <Name text={nameOf(chosen.path)} className="mltrack-Preview-name" />
      <span className="mltrack-Preview-size">{size === null ? '' : formatBytes(size)}</span>
      {isDrawn && (
        <label className="mltrack-Control">
          <input
            type="checkbox"
            checked={asText}
            onChange={event => onAsText(event.currentTarget.checked)}
          />
          <span>{trans.__('as text')}</span>
        </label>
      )}
      <button
        type="button"
        className="mltrack-IconButton"
        title={trans.__('Copy path')}
        aria-label={trans.__('Copy path')}
        onClick={() => actions().copy(chosen.path)}
      >
        <copyIcon.react tag="span" />
      </button>
      <a
        className="mltrack-Button mltrack-Preview-download"
        href={store.client.fileAddress(store.run, chosen.path)}
        download={nameOf(chosen.path)}
        rel="noreferrer"
      >
        <downloadIcon.react tag="span" aria-hidden="true" />
        {trans.__('Download')}
      </a>
    </div>
  );
}

/** Whether it must be said that there is more; the caption of a table says so itself. */
function saysHead(preview: ArtifactPreview): boolean {
  switch (preview.kind) {
    case 'binary':
    case 'image':
      return false;
    case 'table':
      return preview.truncated && preview.row_count === preview.rows.length;
    case 'text':
    case 'code':
    case 'json':
    case 'markdown':
    case 'notebook':
    case 'html':
    case 'svg':
      return preview.truncated;
  }
}

function Body(props: {
  store: ArtifactsStore;
  preview: ArtifactPreview;
  asText: boolean;
}): JSX.Element {
  const { trans } = useTools();
  const { preview } = props;
  return (
    <>
      {saysHead(preview) && (
        <p className="mltrack-Preview-note">
          {trans.__('This is the head of it; a download brings all.')}
        </p>
      )}
      <div className="mltrack-Preview-body" data-kind={preview.kind}>
        <Content {...props} />
      </div>
    </>
  );
}

function Content(props: {
  store: ArtifactsStore;
  preview: ArtifactPreview;
  asText: boolean;
}): JSX.Element {
  const { trans } = useTools();
  const { store, preview, asText } = props;
  const label = displayName(nameOf(preview.path));
  const { kind, text } = preview;
  if (asText) {
    return <TextBody text={text} label={label} />;
  }
  switch (kind) {
    case 'text':
    case 'code':
    case 'json':
      return text === '' ? (
        <p className="mltrack-Preview-note">{trans.__('The file is empty.')}</p>
      ) : (
        <CodeText text={text} language={preview.language} label={label} />
      );
    case 'markdown':
      return <MarkdownBody text={text} label={label} />;
    case 'table':
      return <TableBody preview={preview} label={label} />;
    case 'image':
      return preview.data_url === '' ? (
        <Unseen preview={preview} />
      ) : (
        <PictureBody address={preview.data_url} label={label} />
      );
    case 'notebook':
      return <NotebookBody cells={preview.cells} label={label} />;
    case 'html':
      return <FrameBody store={store} preview={preview} label={label} />;
    case 'svg':
      return preview.truncated ? (
        <Unseen preview={preview} />
      ) : (
        <PictureBody address={svgAddress(text)} label={label} />
      );
    case 'binary':
      return <Unseen preview={preview} />;
  }
}

/** What is not looked into, and why. */
function Unseen(props: { preview: ArtifactPreview }): JSX.Element {
  const { trans } = useTools();
  const { preview } = props;
  return (
    <p className="mltrack-Preview-note">
      {preview.truncated
        ? trans.__('It is too large to be shown here. Download it.')
        : trans.__('There is no preview for files of this kind. Download it.')}
    </p>
  );
}
