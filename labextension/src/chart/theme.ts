/** Colours and fonts for the canvas, read from the style sheet; the second cue beside colour. */

/** How many colours the style sheet has; after them they come again with another dash. */
const COLOURS = 7;

const DASHES: readonly number[][] = [[], [7, 4], [2, 3], [9, 3, 2, 3]];

export interface ChartTheme {
  readonly text: string;
  readonly grid: string;
  readonly font: string;
  readonly series: readonly string[];
}

export function readTheme(node: Element): ChartTheme {
  const style = getComputedStyle(node);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  return {
    text: read('--mltrack-chart-text'),
    grid: read('--mltrack-chart-grid'),
    font: `${read('--mltrack-chart-font-size')} ${read('--jp-ui-font-family') || 'sans-serif'}`,
    series: Array.from({ length: COLOURS }, (_, index) => read(`--mltrack-series-${index + 1}`))
  };
}

export interface LineStyle {
  readonly stroke: string;
  readonly dash: number[];
  /** True for lines that have a dot here and there besides: colours and dashes came round. */
  readonly dotted: boolean;
}

/** The line at `index` within its chart: neighbours differ in colour and dash. */
export function lineStyle(theme: ChartTheme, index: number): LineStyle {
  const round = Math.floor(index / COLOURS);
  return {
    stroke: theme.series[index % COLOURS] ?? theme.text,
    dash: [...(DASHES[((index % COLOURS) + round) % DASHES.length] ?? [])],
    dotted: round >= DASHES.length
  };
}
