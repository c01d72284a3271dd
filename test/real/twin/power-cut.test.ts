import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Booted, CuttableTwin } from './power-cut/machine.js';

describe('a power cut (x86 twin)', () => {
  let twin: CuttableTwin;
  const boots: Booted[] = [];
  beforeAll(async () => {
    twin = await CuttableTwin.prepare();
    boots.push(
      await twin.boot(
        [{ name: 'bind', args: ['devices', 'bind', '0000:00:11.0'], moments: true }],
        ({ name }) => (name === 'done "pci/0000:00:11.0/unbind" is written' ? { cut: 'nothing' } : 'go'),
      ),
      await twin.boot([
        { name: 'recover', args: ['recover'] },
        { name: 'again', args: ['recover'] },
      ]),
    );
  }, 300_000);
  afterAll(() => twin?.dispose());

  it('recovers', () => {
    const recover = boots[1]!.command('recover');
    expect(recover.ended.status).toBe(0);
    expect(recover.left).toEqual([]);
  });
});
