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

/** The line of the metric at `index` within its chart: neighbours differ in colour and dash. */
export function lineStyle(theme: ChartTheme, index: number): { stroke: string; dash: number[] } {
  const round = Math.floor(index / COLOURS);
  return {
    stroke: theme.series[index % COLOURS] ?? theme.text,
    dash: [...(DASHES[(index + round) % DASHES.length] ?? [])]
  };
}
