/** Many lines of text of which only those that can be seen are in the page; follows the end. */
import * as React from 'react';
import { useSize } from '../../panel/hooks';
import { windowOf } from '../../panel/virtual';

const LINE_PX = 18;
const OVERSCAN = 20;
/** So near to the end counts as being there. */
const NEAR_PX = 4;

export function VirtualLines(props: {
  label: string;
  count: number;
  lineOf: (index: number) => React.ReactNode;
}): JSX.Element {
  const { count } = props;
  const scroller = React.useRef<HTMLDivElement>(null);
  const atEnd = React.useRef(true);
  const { height: viewport } = useSize(scroller);
  const [scrollTop, setScrollTop] = React.useState(0);
  React.useLayoutEffect(() => {
    const node = scroller.current;
    if (node !== null && atEnd.current) {
      node.scrollTop = node.scrollHeight;
      setScrollTop(node.scrollTop);
    }
  }, [count, viewport]);
  const seen = windowOf({
    ...{ count, rowHeight: LINE_PX, extra: [], scrollTop, viewport },
    overscan: OVERSCAN
  });
  return (
    <div
      className="mltrack-Log"
      ref={scroller}
      tabIndex={0}
      role="log"
      aria-live="off"
      aria-label={props.label}
      onScroll={event => {
        const { scrollTop: top, clientHeight, scrollHeight } = event.currentTarget;
        atEnd.current = top + clientHeight >= scrollHeight - NEAR_PX;
        setScrollTop(top);
      }}
    >
      <div style={{ height: seen.height }}>
        <div style={{ transform: `translateY(${seen.offset}px)` }}>
          {Array.from({ length: Math.max(0, seen.end - seen.start) }, (_, offset) => (
            <div
              key={seen.start + offset}
              className="mltrack-Log-line"
              style={{ height: LINE_PX, lineHeight: `${LINE_PX}px` }}
            >
              {props.lineOf(seen.start + offset)}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}
