/**
 * HTML of a stranger: in a frame in which nothing runs, which is of no origin and fetches nothing.
 *
 * The frame's own attributes say so, and the answer that fills it says so again in its headers.
 */
import * as React from 'react';
import { useTools } from '../../panel/context';
import type { ArtifactPreview } from '../../types';
import type { ArtifactsStore } from './store';

/** An SVG as an address for a picture: there no script of it runs and nothing is fetched. */
export function svgAddress(text: string): string {
  // Not a blob: opened in a page of its own, that would run as a page of this server.
  return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
}

/** A page in its frame; when it goes elsewhere, by a link in it, it is taken away. */
export function FrameBody(props: {
  store: ArtifactsStore;
  preview: ArtifactPreview;
  label: string;
}): JSX.Element {
  const { trans } = useTools();
  const { store, preview, label } = props;
  const address = store.client.viewAddress(store.run, preview.path);
  const loads = React.useRef(0);
  const [hasLeft, setLeft] = React.useState(false);
  React.useEffect(() => {
    loads.current = 0;
    setLeft(false);
  }, [address]);
  const onLoad = (): void => {
    loads.current += 1;
    setLeft(loads.current > 1);
  };
  return (
    <>
      <p className="mltrack-Preview-note">
        {hasLeft
          ? trans.__('A link led out of this page: it was closed.')
          : trans.__(
              'Scripts do not run here and nothing is fetched: charts that need either stay empty. Download the file to open it.'
            )}
      </p>
      {!hasLeft && (
        <iframe
          key={address}
          className="mltrack-Preview-frame"
          title={label}
          src={address}
          sandbox=""
          referrerPolicy="no-referrer"
          onLoad={onLoad}
        />
      )}
    </>
  );
}
