/** React and the models: a view is drawn again when its model says that it changed. */
import type { VDomRenderer } from '@jupyterlab/ui-components';
import * as React from 'react';

/** Draw again on each `stateChanged` of the model. */
export function useModel(model: VDomRenderer.IModel | null): void {
  const [, redraw] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    if (model === null) {
      return undefined;
    }
    const slot = (): void => redraw();
    model.stateChanged.connect(slot);
    redraw(); // It may have changed between drawing and connecting.
    return () => {
      model.stateChanged.disconnect(slot);
    };
  }, [model]);
}

/** Draw again every `intervalMs` while `active`; nothing runs otherwise. */
export function useTick(intervalMs: number, active: boolean): void {
  const [, redraw] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    if (!active) {
      return undefined;
    }
    const timer = setInterval(redraw, intervalMs);
    return () => clearInterval(timer);
  }, [intervalMs, active]);
}

export interface Size {
  width: number;
  height: number;
}

/** The size of an element; 0 x 0 until it is laid out. */
export function useSize(ref: React.RefObject<HTMLElement>): Size {
  const [size, setSize] = React.useState<Size>({ width: 0, height: 0 });
  React.useLayoutEffect(() => {
    const node = ref.current;
    if (node === null) {
      return undefined;
    }
    const measure = (): void => {
      const { clientWidth: width, clientHeight: height } = node;
      setSize(old => (old.width === width && old.height === height ? old : { width, height }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(node);
    return () => observer.disconnect();
  }, [ref]);
  return size;
}

/** Whether an element can be seen: not behind another page, not scrolled away. */
export function useSeen(ref: React.RefObject<HTMLElement>): boolean {
  const [seen, setSeen] = React.useState(true);
  React.useEffect(() => {
    if (ref.current === null) {
      return undefined;
    }
    const observer = new IntersectionObserver(entries => {
      setSeen(entries.some(entry => entry.isIntersecting));
    });
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, [ref]);
  return seen;
}

/** How much of an opened row must be in sight without scrolling. */
const SEEN_PX = 240;

/** Scroll an opened row up when what it shows would be below the edge. */
export function reveal(row: HTMLElement): void {
  requestAnimationFrame(() => {
    const scroller = row.closest('.mltrack-List, [data-section="live"] > .mltrack-Section-body');
    if (scroller === null) {
      return;
    }
    const rowBox = row.getBoundingClientRect();
    const box = scroller.getBoundingClientRect();
    if (rowBox.bottom + SEEN_PX > box.bottom) {
      scroller.scrollTop += rowBox.top - box.top;
    }
  });
}
