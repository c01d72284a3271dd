import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SimulatedBpmp } from '../../../../src/bpmp/backend/index.js';
import { tegra234 } from '../../../../src/bpmp/tegra234/index.js';
import { DebugCommand, Mrq, ResetCommand } from '../../../../src/bpmp/wire/index.js';
import { walk } from '../linux-boot.js';
import { LinuxRules } from '../linux-rules.js';
import { ask, words } from '../request.js';

interface TraceLine {
  readonly mrq: number;
  readonly tx: string;
  readonly rx: string;
  readonly ret: number;
}

function readTrace(name: string): TraceLine[] {
  const text = readFileSync(new URL(`../../../data/traces/${name}.ndjson`, import.meta.url), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as TraceLine);
}

describe('the simulated BPMP, asked as Linux asks', () => {
  it('answers a walk over every resource by the rules', () => {
    const backend = new SimulatedBpmp();
    const rules = new LinuxRules();
    const files = walk((mrq, tx, capacity) => {
      const answer = ask(backend, mrq, tx, capacity);
      rules.see(
        mrq,
        tx,
        answer,
        new Uint8Array(capacity).map((_, index) => answer.rx[index] ?? 0),
      );
      return answer;
    }, rules);
    for (const id of tegra234.resets.ids) {
      for (const command of [ResetCommand.ASSERT, ResetCommand.DEASSERT, ResetCommand.MODULE]) {
        const tx = words(command, id);
        rules.see(Mrq.RESET, tx, ask(backend, Mrq.RESET, tx, 0), new Uint8Array());
      }
    }
    expect(rules.finish()).toEqual([]);
    const visible = [...rules.clocks].filter(([, clock]) => clock !== null).map(([id]) => id);
    expect(visible).toEqual([...tegra234.clocks.ids]);
    expect([...rules.domains.values()].filter((name) => name !== null)).toHaveLength(
      tegra234.powerDomains.ids.length,
    );
    expect(files).toContain('/clk/gpc0clk/rate');
    expect(files.length).toBeGreaterThan(435 * 6);
  });

  // The third starts where the first has ended.
  it.each([[['boot-window']], [['boot-ivc']], [['boot-window', 'userspace']]])(
    'answers the requests of %j by the rules',
    (names) => {
      const backend = new SimulatedBpmp();
      const rules = new LinuxRules();
      // The descriptors of a trace are its own BPMP's; a file that this one lacks is not read on, as no driver would.
      const descriptors = new Map<number, number>();
      for (const line of names.flatMap(readTrace)) {
        const tx = new Uint8Array(Buffer.from(line.tx, 'hex'));
        const view = new DataView(tx.buffer);
        if (line.mrq === Mrq.DEBUG && view.getUint32(0, true) >= DebugCommand.READ) {
          const fd = descriptors.get(view.getUint32(4, true));
          if (fd === undefined) continue;
          view.setUint32(4, fd, true);
        }
        const rx = new Uint8Array(120);
        const outcome = backend.transfer(line.mrq, tx, rx);
        if (outcome instanceof Promise) throw new Error('not at once');
        rules.see(line.mrq, tx, outcome, rx);
        if (line.mrq === Mrq.DEBUG && view.getUint32(0, true) <= DebugCommand.OPEN_WO && outcome.ret === 0) {
          descriptors.set(
            Buffer.from(line.rx, 'hex').readUInt32LE(0),
            new DataView(rx.buffer).getUint32(0, true),
          );
        }
      }
      expect(rules.finish()).toEqual([]);
      expect([...rules.clocks.values()].filter((clock) => clock !== null)).toHaveLength(435);
    },
  );

  it('has rules that complain', () => {
    const rules = new LinuxRules();
    rules.see(Mrq.PING, words(1), { ret: -19, rxSize: 0 }, new Uint8Array(4));
    rules.see(Mrq.QUERY_ABI, words(19), { ret: 0, rxSize: 4 }, new Uint8Array(4));
    rules.see(Mrq.CLK, words(0x0e00_0001), { ret: 0, rxSize: 113 }, infoOf('a', 0x8000_0000, [1, 2]));
    rules.see(Mrq.CLK, words(0x0600_0001), { ret: -22, rxSize: 0 }, new Uint8Array(4));
    rules.see(Mrq.CLK, words(0x0100_0001), { ret: 0, rxSize: 4 }, new Uint8Array(8));
    expect(rules.finish().map((complaint) => complaint.split(':')[0])).toEqual([
      'a ping is answered, shifted',
      'nothing that passes addresses is claimed',
      'state denied only together with rate and parent',
      'several parents need a mux',
      'whether a clock is on is always known',
      'the reply is not whole (4 of 8)',
      'parent 1 of 1 cannot be enabled',
      'clock 1 has the invisible parent 2',
      'clock 1 is its own ancestor',
    ]);
  });
});

function infoOf(name: string, flags: number, parents: number[]): Uint8Array {
  const bytes = new Uint8Array(113);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, flags, true);
  view.setUint32(4, parents[0]!, true);
  for (const [index, parent] of parents.entries()) view.setUint32(8 + 4 * index, parent, true);
  bytes[72] = parents.length;
  new TextEncoder().encodeInto(name, bytes.subarray(73));
  return bytes;
}
