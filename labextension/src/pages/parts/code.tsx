/** Code as text, in the colours of the editor where there is one. */
import * as React from 'react';
import { useTools } from '../../panel/context';
import { visibleLines } from '../../text';

/** Longer code stays in one colour: reading it as code would hold the page up. */
const LONGEST_COLOURED = 100_000;

export function CodeText(props: {
  text: string;
  /** As the editor names it; empty for none. */
  language: string;
  label: string;
  className?: string;
}): JSX.Element {
  const { highlight } = useTools();
  const { language, label, className = 'mltrack-Preview-text' } = props;
  const text = visibleLines(props.text);
  const place = React.useRef<HTMLPreElement>(null);
  React.useLayoutEffect(() => {
    const node = place.current;
    if (node === null) {
      return undefined;
    }
    let isGone = false;
    node.textContent = text;
    if (highlight !== null && language !== '' && text.length <= LONGEST_COLOURED) {
      const coloured = document.createElement('code');
      highlight(text, language, coloured).then(
        () => {
          if (!isGone) {
            node.replaceChildren(coloured);
          }
        },
        () => undefined // The language could not be fetched: the text stands there already.
      );
    }
    return () => {
      isGone = true;
    };
  }, [highlight, text, language]);
  return <pre className={className} role="group" aria-label={label} tabIndex={0} ref={place} />;
}
