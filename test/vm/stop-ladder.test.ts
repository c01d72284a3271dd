import { describe, expect, it, vi } from 'vitest';
import { type RungActions, StopLadder } from '../../src/vm/stop-ladder.js';

const never = new Promise<never>(() => undefined);
const idle: RungActions = { powerdown: () => {}, quit: () => {}, terminate: () => {}, kill: () => {} };
const times = { powerdown: 20, quit: 20, terminate: 20, kill: 20 };

describe('StopLadder', () => {
  it('takes every rung for its time, and says that the VM outlived them', async () => {
    const steps: string[] = [];
    const ladder = new StopLadder(times, idle, never, ({ rung, timeMs }) => steps.push(`${rung} ${timeMs}`));
    const start = performance.now();
    expect(await ladder.descend()).toBe(false);
    expect(performance.now() - start).toBeGreaterThanOrEqual(75);
    expect(steps).toEqual(['powerdown 20', 'quit 20', 'terminate 20', 'kill 20']);
  });

  it('stops at the rung that ends the VM', async () => {
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const kill = vi.fn();
    const ladder = new StopLadder(times, { ...idle, terminate: end, kill }, ended, () => {});
    expect(await ladder.descend()).toBe(true);
    expect(ladder.rung).toBe('terminate');
    expect(kill).not.toHaveBeenCalled();
  });

  it('takes the next rung at once where one fails, and in time where one hangs', async () => {
    const actions = {
      ...idle,
      powerdown: () => Promise.reject(new Error('no monitor')),
      quit: () => {
        throw new Error('no monitor');
      },
      terminate: () => never,
    };
    const long = { powerdown: 60_000, quit: 60_000, terminate: 20, kill: 1 };
    expect(await new StopLadder(long, actions, never, () => {}).descend()).toBe(false);
  });
});
