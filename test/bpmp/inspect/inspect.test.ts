import { describe, expect, it } from 'vitest';
import { type Outcome, SimulatedBpmp } from '../../../src/bpmp/backend/index.js';
import {
  type ClockState,
  clockTree,
  Firmware,
  globMatcher,
  listDirectory,
  type Question,
  readClock,
  readClocks,
  readDebugFile,
  readDomains,
  readResets,
  type Transfer,
  withAncestors,
} from '../../../src/bpmp/inspect/index.js';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { BpmpError, ClkCommand, DebugCommand, Mrq } from '../../../src/bpmp/wire/index.js';

/** Answers instead of the model where it returns something. */
type Between = (question: Question) => { ret: number; rx: Uint8Array } | undefined;

function firmwareOf(between: Between = () => undefined, options = {}) {
  const model = new SimulatedBpmp();
  const asked: Question[] = [];
  const transfer: Transfer = async (questions) =>
    questions.map((question) => {
      asked.push(question);
      const other = between(question);
      if (other) return other;
      const rx = new Uint8Array(512);
      const { ret, rxSize } = model.transfer(question.mrq, question.tx, rx) as Outcome;
      return { ret, rx: rx.subarray(0, rxSize) };
    });
  return { firmware: new Firmware(transfer, { chip: tegra234, ...options }), model, asked };
}

const word = ({ tx }: Question, at = 0) => new DataView(tx.buffer, tx.byteOffset).getUint32(at, true);
const u32 = (...values: number[]) => new Uint8Array(Uint32Array.from(values).buffer);
const gpc = tegra234.clocks.idOf('GPC0CLK')!;

describe('clocks', () => {
  it('are those of the firmware, without holes, with rates, parents and states', async () => {
    const { firmware } = firmwareOf();
    const steps: number[] = [];
    const clocks = await readClocks(firmware, (done) => steps.push(done));
    expect(clocks.length).toBeGreaterThan(300);
    expect(clocks.some(({ problem }) => problem !== undefined)).toBe(false);
    expect(clocks.find(({ id }) => id === gpc)).toMatchObject({
      name: 'GPC0CLK',
      enabled: false,
      rateHz: 114_750_000n,
      parent: tegra234.clocks.idOf('NAFLL_GPC0'),
      flags: ['HAS_SET_RATE'],
    });
    expect(steps.at(-1)).toBe(477);
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
  });

  it('one of which fails are a row with its error, and all the others', async () => {
    const { firmware } = firmwareOf((question) =>
      question.mrq === Mrq.CLK && (word(question) & 0xff_ffff) === gpc
        ? { ret: -5, rx: new Uint8Array() }
        : undefined,
    );
    const clocks = await readClocks(firmware);
    expect(clocks.filter(({ problem }) => problem !== undefined)).toEqual([
      { id: gpc, name: 'GPC0CLK', parents: [], flags: [], problem: 'EIO' },
    ]);
    expect(clocks.length).toBeGreaterThan(300);
  });

  it('whose replies are cut are a row with the reason', async () => {
    const { firmware } = firmwareOf((question) =>
      question.mrq === Mrq.CLK && word(question) === ((ClkCommand.GET_RATE << 24) | gpc)
        ? { ret: 0, rx: new Uint8Array(3) }
        : undefined,
    );
    const clock = (await readClocks(firmware)).find(({ id }) => id === gpc);
    expect(clock?.problem).toContain('needs 8 bytes, got 3');
    expect(clock?.rateHz).toBeUndefined();
  });

  it('are asked for by the chip where nobody tells how many there are; where none answers, that is said', async () => {
    const refusesMax: Between = (question) =>
      word(question) >>> 24 === ClkCommand.GET_MAX_CLK_ID ? { ret: -1, rx: new Uint8Array() } : undefined;
    expect((await readClocks(firmwareOf(refusesMax).firmware)).length).toBeGreaterThan(300);
    const refusesAll: Between = (question) =>
      refusesMax(question) ?? { ret: BpmpError.ENODEV, rx: new Uint8Array() };
    await expect(readClocks(firmwareOf(refusesAll).firmware)).rejects.toThrow('cannot be listed: EPERM');
  });

  it('are bounded, whatever the firmware says', async () => {
    const endless: Between = (question) =>
      word(question) >>> 24 === ClkCommand.GET_MAX_CLK_ID ? { ret: 0, rx: u32(0xffff_ffff) } : undefined;
    const { firmware, asked } = firmwareOf(endless);
    await readClocks(firmware);
    expect(asked.length).toBeLessThan(4096 + 4 * 477);
    await expect(readClocks(firmwareOf(endless, { most: 100 }).firmware)).rejects.toThrow('without an end');
  });

  it('that never answer are given up', async () => {
    const firmware = new Firmware(() => new Promise(() => {}), { chip: tegra234, deadlineMs: 20 });
    await expect(readClocks(firmware)).rejects.toThrow('did not answer CLK GET_MAX_CLK_ID within 20 ms');
  });

  it('one by one have the rates that they can have', async () => {
    const { firmware } = firmwareOf();
    expect(await readClock(firmware, gpc)).toMatchObject({ minHz: 114_750_000n, fmaxAtVminHz: 701_250_000n });
    expect(await readClock(firmware, 4000)).toBeUndefined();
  });
});

describe('a tree of clocks', () => {
  const clock = (id: number, parent?: number): ClockState => ({
    id,
    name: `C${id}`,
    parents: [],
    flags: [],
    ...(parent !== undefined && { parent }),
  });
  const shape = (clocks: readonly ClockState[]) =>
    clockTree(clocks).map(({ clock: { id }, depth }) => [id, depth]);

  it('has each below its parent, by id', () => {
    expect(shape([clock(1), clock(2, 1), clock(3, 2), clock(4, 1), clock(5)])).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 1],
      [5, 0],
    ]);
  });

  it('has all of them once, also those that hang on themselves or on nothing that is there', () => {
    expect(shape([clock(1, 2), clock(2, 1), clock(3, 3), clock(4, 99)])).toEqual([
      [4, 0],
      [1, 0],
      [2, 1],
      [3, 0],
    ]);
    const chain = Array.from({ length: 4096 }, (_, id) => clock(id, id === 0 ? undefined : id - 1));
    expect(clockTree(chain).at(-1)?.depth).toBe(4095);
  });

  it('of some has those above them', () => {
    const clocks = [clock(1), clock(2, 1), clock(3, 2), clock(4, 1), clock(5, 5)];
    expect(withAncestors(clocks, ({ id }) => id === 3 || id === 5).map(({ id }) => id)).toEqual([1, 2, 3, 5]);
  });

  it.each([
    ['gpc*', 'GPC0CLK', true],
    ['gpc?clk', 'GPC1CLK', true],
    ['gpc', 'GPC0CLK', false],
    ['*clk', 'GPC0CLK', true],
    ['.*', 'GPC0CLK', false],
    ['***(', 'GPC0CLK(', true],
  ])('%s matches %s: %s', (glob, name, matches) => {
    expect(globMatcher(glob)(name)).toBe(matches);
  });
});

describe('power domains and resets', () => {
  it('are those that there are', async () => {
    const { firmware } = firmwareOf();
    const domains = await readDomains(firmware);
    expect(domains.find(({ name }) => name === 'GPU')).toEqual({ id: 35, name: 'GPU', state: 'off' });
    expect(domains.some(({ id }) => id === 0)).toBe(false);
    expect(await readResets(firmware)).toContainEqual({ id: 19, name: 'GPU' });
  });
});

describe('debug files', () => {
  it('are listed, long directories too, and read', async () => {
    const { firmware } = firmwareOf();
    expect(await listDirectory(firmware, '/')).toContainEqual({
      name: 'clk',
      kind: 'directory',
      readable: true,
      writable: false,
    });
    expect((await listDirectory(firmware, '/clk')).length).toBeGreaterThan(300);
    expect(Buffer.from(await readDebugFile(firmware, '/tag')).toString()).toBe('gpuvm-simulated-bpmp\n');
  });

  it('are closed whatever happens', async () => {
    const { firmware, model } = firmwareOf((question) =>
      question.mrq === Mrq.DEBUG && word(question) === DebugCommand.READ
        ? { ret: -5, rx: new Uint8Array() }
        : undefined,
    );
    await expect(readDebugFile(firmware, '/tag')).rejects.toThrow('/tag: EIO');
    expect(JSON.stringify(model.state())).not.toContain('"/tag"');
  });

  it('wait for the one that somebody else has open', async () => {
    let busy = 3;
    const { firmware } = firmwareOf((question) =>
      question.mrq === Mrq.DEBUG && word(question) === DebugCommand.OPEN_RO && busy-- > 0
        ? { ret: BpmpError.EBUSY, rx: new Uint8Array() }
        : undefined,
    );
    expect((await readDebugFile(firmware, '/tag')).length).toBeGreaterThan(0);
  });

  it('of bytes that are no text come as they are', async () => {
    const bytes = Uint8Array.from({ length: 100 }, (_, i) => i + 150);
    let isRead = false;
    const { firmware } = firmwareOf((question) => {
      if (question.mrq !== Mrq.DEBUG || word(question) !== DebugCommand.READ) return undefined;
      const rx = isRead ? u32(0) : Uint8Array.from([...u32(bytes.length), ...bytes]);
      isRead = true;
      return { ret: 0, rx };
    });
    expect(Uint8Array.from(await readDebugFile(firmware, '/tag'))).toEqual(bytes);
  });

  it('that have no end are left; a listing that breaks off is told of', async () => {
    const { firmware } = firmwareOf((question) =>
      question.mrq === Mrq.DEBUG && word(question) === DebugCommand.READ
        ? { ret: 0, rx: Uint8Array.from([...u32(100), ...new Uint8Array(100).fill(65)]) }
        : undefined,
    );
    await expect(readDebugFile(firmware, '/tag')).rejects.toThrow('without an end');
    let reads = 0;
    const broken = firmwareOf((question) =>
      question.mrq === Mrq.DEBUG && word(question) === DebugCommand.READ
        ? { ret: 0, rx: reads++ === 0 ? Uint8Array.from([...u32(6, 0x200), 65, 66]) : u32(0) }
        : undefined,
    );
    await expect(listDirectory(broken.firmware, '/')).rejects.toThrow('breaks off at byte 0');
  });

  it('that there are not are told apart from a firmware that has the old form, or none', async () => {
    await expect(readDebugFile(firmwareOf().firmware, '/no')).rejects.toThrow('the firmware has no /no');
    const without =
      (old: number): Between =>
      (question) => {
        if (question.mrq === Mrq.DEBUG) return { ret: -1, rx: new Uint8Array() };
        if (question.mrq !== Mrq.QUERY_ABI) return undefined;
        return { ret: 0, rx: u32((word(question) === Mrq.DEBUG ? -19 : old) >>> 0) };
      };
    await expect(readDebugFile(firmwareOf(without(0)).firmware, '/tag')).rejects.toThrow('old form');
    await expect(readDebugFile(firmwareOf(without(-19)).firmware, '/tag')).rejects.toThrow('no debug files');
  });
});
