/** Runs in a twin: makes each case with the module's /dev/bpmp-host. orin-host-device.test.ts judges what they saw. */
import { existsSync } from 'node:fs';
import { hostDeviceCases } from './host-device-cases.js';
import { mediatorCases } from './host-device-mediator.js';
import { DEVICE, device } from './host-device-module.js';
import { type Report, report } from './report.js';

async function main(): Promise<void> {
  const absent = existsSync(DEVICE);
  device.load();
  report('loaded', { absentBefore: !absent, state: device.state() });
  const only = process.argv[2]?.split(',');
  for (const [name, see] of Object.entries({ ...hostDeviceCases, ...mediatorCases })) {
    if (only && !only.includes(name)) continue;
    device.reset();
    const before = device.state();
    const started = performance.now();
    let result: { saw: unknown } | { error: string };
    try {
      result = { saw: await see() };
    } catch (error) {
      result = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    const tookMs = Math.round(performance.now() - started);
    const left = [...difference(before, device.state()), ...device.openers().map((who) => `open: ${who}`)];
    report(name, { ...result, tookMs, left } satisfies Report<unknown>);
    process.stderr.write(`${name}: ${'error' in result ? result.error : 'done'} (${tookMs} ms)\n`);
  }
  report('unloaded', device.unload());
}

export function difference(before: readonly string[], after: readonly string[]): string[] {
  return [
    ...before.filter((line) => !after.includes(line)).map((line) => `no longer: ${line}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `now: ${line}`),
  ];
}

void main();
