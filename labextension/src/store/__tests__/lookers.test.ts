import { describe, expect, it } from 'vitest';
import { Lookers } from '../lookers';
import type { Sheet } from '../lookers';

/** A tab of the browser that the test puts in front and behind. */
function tab(): { sheet: Sheet; show: (shown: boolean) => void; listeners: () => number } {
  const target = new EventTarget();
  let hidden = false;
  let count = 0;
  const sheet: Sheet = {
    get hidden() {
      return hidden;
    },
    addEventListener: (name: string, listener: () => void) => {
      count += 1;
      target.addEventListener(name, listener);
    },
    removeEventListener: (name: string, listener: () => void) => {
      count -= 1;
      target.removeEventListener(name, listener);
    }
  };
  const show = (shown: boolean): void => {
    hidden = !shown;
    target.dispatchEvent(new Event('visibilitychange'));
  };
  return { sheet, show, listeners: () => count };
}

describe('who looks', () => {
  it('says once that somebody began, and counts until all have gone', () => {
    const told: boolean[] = [];
    const lookers = new Lookers(began => told.push(began), tab().sheet);
    const [panel, page] = [lookers.look(), lookers.look()];
    expect(lookers.count).toBe(2);
    panel.dispose();
    page.dispose();
    expect(lookers.count).toBe(0);
    expect(told).toEqual([true, false, false, false]);
  });

  it('is nobody while the browser shows another tab, and begins anew when it is back', () => {
    const { sheet, show } = tab();
    const told: boolean[] = [];
    const lookers = new Lookers(began => told.push(began), sheet);
    lookers.look();
    show(false);
    expect(lookers.count).toBe(0);
    show(true);
    expect(lookers.count).toBe(1);
    expect(told).toEqual([true, false, true]);
  });

  it('listens only while somebody is there', () => {
    const { sheet, listeners } = tab();
    const lookers = new Lookers(() => undefined, sheet);
    const look = lookers.look();
    expect(listeners()).toBe(1);
    look.dispose();
    expect(listeners()).toBe(0);
  });
});
