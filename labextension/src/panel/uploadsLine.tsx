/** How far the artifacts of a run are on their way to its workspace. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { formatBytes } from '../format';
import type { Uploads } from '../types';
import { useTools } from './context';

/** `3 of 12 files, 40 MB of 200 MB`. */
export function uploadWords(uploads: Uploads, trans: TranslationBundle): string {
  return trans.__(
    '%1 of %2 files, %3 of %4',
    String(uploads.sent_files),
    String(uploads.files),
    formatBytes(uploads.sent_bytes),
    formatBytes(uploads.size_bytes)
  );
}

/** In a row: in words; the whole of it when it is pointed at. */
export function UploadMark(props: { uploads: Uploads }): JSX.Element {
  const { trans } = useTools();
  const words = uploadWords(props.uploads, trans);
  return (
    <span className="mltrack-Row-uploads" title={trans.__('Artifacts on their way: %1', words)}>
      <span aria-hidden="true">↑ </span>
      {words}
    </span>
  );
}

/** In an opened run: with a line that fills. */
export function UploadLine(props: { uploads: Uploads }): JSX.Element {
  const { trans } = useTools();
  const { uploads } = props;
  const share = uploads.size_bytes > 0 ? uploads.sent_bytes / uploads.size_bytes : 0;
  return (
    <div className="mltrack-Uploads">
      <span>{trans.__('Artifacts on their way: %1', uploadWords(uploads, trans))}</span>
      <progress
        className="mltrack-Uploads-bar"
        aria-label={trans.__('Artifacts on their way')}
        max={1}
        value={Math.min(1, share)}
      />
    </div>
  );
}
