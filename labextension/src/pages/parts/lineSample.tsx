/** The line of a run as charts draw it: colour, dash, and a dot where both came round. */
import * as React from 'react';
import { lineStyle, readTheme } from '../../chart/theme';
import type { LineStyle } from '../../chart/theme';

const WIDTH = 24;
const HEIGHT = 10;

/** How lines are drawn in the theme of now, by the run's place. */
export function useLineStyles(host: React.RefObject<HTMLElement>): (index: number) => LineStyle {
  const [theme, setTheme] = React.useState(() => readTheme(document.body));
  React.useLayoutEffect(() => {
    const { current } = host;
    if (current === null) {
      return undefined;
    }
    const read = (): void => setTheme(readTheme(current));
    read();
    const themes = new MutationObserver(read);
    themes.observe(document.body, {
      attributes: true,
      attributeFilter: ['data-jp-theme-name', 'data-jp-theme-light']
    });
    return () => themes.disconnect();
  }, [host]);
  return React.useCallback((index: number) => lineStyle(theme, index), [theme]);
}

export function LineSample(props: { style: LineStyle }): JSX.Element {
  const { stroke, dash, dotted } = props.style;
  const middle = HEIGHT / 2;
  return (
    <svg className="mltrack-LineSample" width={WIDTH} height={HEIGHT} aria-hidden="true">
      <line
        x1={0}
        x2={WIDTH}
        y1={middle}
        y2={middle}
        stroke={stroke}
        strokeWidth={2}
        strokeDasharray={dash.join(' ')}
      />
      {dotted && <circle cx={WIDTH / 2} cy={middle} r={3} fill={stroke} />}
    </svg>
  );
}
