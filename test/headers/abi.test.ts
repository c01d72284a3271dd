import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as wire from '../../src/bpmp/wire/index.js';
import { kernelInclude } from './kernel-include.js';

const header = readFileSync(join(kernelInclude, 'soc/tegra/bpmp-abi.h'), 'utf8');
const code = header.replace(/\/\*.*?\*\//gs, '');

/** Rows of the header's minimum payload lengths that we read otherwise, and why. */
const exceptions: Readonly<Record<string, string>> = {
  EMC_DVFS_LATENCY: 'no request payload; Linux sends none',
  EMC_DVFS_EMCHUB: 'no request payload; Linux sends none',
  TELEMETRY: 'no request payload',
  'RINGBUF_CONSOLE WRITE': 'the length lies behind the data',
  'BWMGR CALC_RATE': 'the row forgets the command word',
  'THROTTLE SET_OC_CONFIG': 'the row ends within the id',
};

describe('the ABI header', () => {
  it('has our MRQs and no others', () => {
    const theirs = [...code.matchAll(/^#define\s+MRQ_(\w+)\s+(\d+)U$/gm)].map((match) => [
      match[1],
      Number(match[2]),
    ]);
    const named = theirs.filter(([name]) => !/^(CLK_NAME_MAXLEN|CLK_MAX_PARENTS)$/.test(String(name)));
    expect(Object.fromEntries(named)).toEqual(wire.Mrq);
  });

  it('has our commands and no others', () => {
    const theirs = [...code.matchAll(/\b(?:CMD_(\w+)|STRAP_SET)\s*=\s*(\d+)/g)].map((match) => [
      match[1] ?? 'STRAP_SET',
      Number(match[2]),
    ]);
    const prefix = (mrq: string) => (mrq === 'PPP_PROFILE' ? 'PPP' : mrq);
    const ours = [...wire.mrqs.values()].flatMap(({ name, hasCommands, commands }) =>
      hasCommands ? commands.map((command) => [`${prefix(name)}_${command.name}`, command.number]) : [],
    );
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(theirs));
  });

  it('has our error codes', () => {
    const theirs = [...code.matchAll(/^#define\s+BPMP_(E\w+)\s+(\d+)$/gm)].map((match) => [
      match[1],
      -Number(match[2]),
    ]);
    expect(Object.fromEntries(theirs)).toEqual(wire.BpmpError);
  });

  it('has our least lengths', () => {
    const rows = header.matchAll(/^\s*\* \| #?MRQ_(\w+)\s*\|\s*#?(?:CMD_)?(\w+|-)\s*\|\s*(\d+)/gm);
    let seen = 0;
    for (const [, mrqName, commandName, length] of rows) {
      const mrq = wire.mrqByName(mrqName!)!;
      for (const command of mrq.commands) {
        const isThis =
          ['-', 'any'].includes(commandName!) ||
          [`${mrqName}_${command.name}`, `PPP_${command.name}`].includes(commandName!);
        if (!isThis || exceptions[command.title]) continue;
        // Never less than what tells the command and the resource.
        const needed = Math.max(
          mrq.hasCommands ? 4 : 0,
          command.idOffset + command.idSize,
          Number(length) + (command.request.string ? 1 : 0),
        );
        expect(command.minimum, command.title).toBe(needed);
        seen++;
      }
    }
    expect(seen).toBeGreaterThan(150);
  });
});
