import { describe, expect, it } from 'vitest';
import { Pace } from '../pace';
import { Pump } from '../pump';

/** A page whose tasks and frames take as long as the test says. */
function page(): { pace: Pace; now: () => number; work: (ms: number) => void; run: () => void } {
  let time = 0;
  const tasks: (() => void)[] = [];
  const frames: (() => void)[] = [];
  const pace = new Pace({
    now: () => time,
    onFrame: then => frames.push(then),
    afterTasks: then => tasks.push(then)
  });
  return {
    pace,
    now: () => time,
    work: ms => {
      time += ms;
    },
    run: () => {
      for (const list of [tasks, frames, tasks]) {
        list.splice(0).forEach(then => then());
      }
    }
  };
}

describe('the pace of what moves by itself', () => {
  it('asks at once while nothing was shown', () => {
    expect(page().pace.waitMs).toBe(Number.NEGATIVE_INFINITY);
  });

  it('waits ten times as long as showing took, the frame included', () => {
    const { pace, work, run } = page();
    pace.spend(() => work(12));
    run();
    expect(pace.waitMs).toBe(120);
    work(120);
    expect(pace.waitMs).toBe(0);
  });

  it('counts what is shown in one frame once', () => {
    const { pace, work, run } = page();
    pace.spend(() => work(5));
    pace.spend(() => work(5));
    run();
    expect(pace.waitMs).toBe(100);
  });

  it('never stands still for longer than a second', () => {
    const { pace, work, run } = page();
    pace.spend(() => work(5000));
    run();
    expect(pace.waitMs).toBe(1000);
  });

  it('has a pump ask no sooner', async () => {
    let asked = 0;
    let busy = 20;
    const ask = (): Promise<void> => {
      asked += 1;
      return Promise.resolve();
    };
    const pump = new Pump(ask, 0, () => busy);
    const done = pump.request();
    expect(asked).toBe(0);
    busy = 0;
    await done;
    expect(asked).toBe(1);
    pump.dispose();
  });
});
