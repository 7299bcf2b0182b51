/** Small marks at the edge of a chart where a value is not a number: a gap says nothing by itself. */
import type uPlot from 'uplot';
import type { Line } from './prepare';
import type { LineStyle } from './theme';

const SIZE_PX = 3;
/** More marks than this say no more. */
const MOST_MARKS = 400;

/** Draw a cross at the lower edge for each point of a line that has no finite value. */
export function drawGaps(
  plot: uPlot,
  lines: readonly Line[],
  styles: readonly LineStyle[],
  isShown: (index: number) => boolean
): void {
  const { ctx, bbox } = plot;
  const size = SIZE_PX * devicePixelRatio;
  const y = bbox.top + bbox.height - size - 1;
  let left = MOST_MARKS;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  lines.forEach((line, index) => {
    ctx.strokeStyle = styles[index]?.stroke ?? '';
    ctx.beginPath();
    for (let at = 0; at < line.length && left > 0 && isShown(index); at++) {
      const x = line[at] === null ? plot.valToPos(plot.data[0][at] ?? 0, 'x', true) : null;
      if (x !== null && x >= bbox.left && x <= bbox.left + bbox.width) {
        left -= 1;
        ctx.moveTo(x - size, y - size);
        ctx.lineTo(x + size, y + size);
        ctx.moveTo(x + size, y - size);
        ctx.lineTo(x - size, y + size);
      }
    }
    ctx.stroke();
  });
  ctx.restore();
}
