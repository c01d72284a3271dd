import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shared } from './report.js';

export const DEVICE = '/dev/bpmp-host';
const CONTROL = '/sys/kernel/debug/bpmp-host';

/** One transfer, as the module's log has it. */
export interface LogLine {
  readonly form: 'write' | 'ioctl';
  readonly pid: number;
  readonly mrq: number;
  readonly txSize: number;
  /** Of the request the first 16 bytes, in hex. */
  readonly tx: string;
  readonly rxSize: number;
  /** What the firmware answered; without one the caller got `errno`. */
  readonly ret?: number;
  readonly errno?: number;
}

type Setting = 'forms' | 'allow' | 'fail' | 'ret' | 'delay_us' | 'presence' | 'sizes' | 'written';

/** How each case begins. */
const DEFAULTS: Readonly<Record<Setting, string>> = {
  forms: 'write',
  allow: '*',
  fail: '0 5',
  ret: 'none',
  delay_us: '0',
  presence: 'whole',
  sizes: 'room',
  written: '48',
};

/** test/real/twin/module/bpmp_host.c, from its folder of controls. */
export const device = {
  /** The twin's own, or one that the test brought along. */
  load(): void {
    const brought = join(shared, 'bpmp-host.ko');
    const loads = existsSync(brought) ? ['insmod', brought] : ['modprobe', 'bpmp-host'];
    const { status, stderr } = spawnSync('/run/twin/busybox', loads, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${loads.join(' ')}: ${stderr}`);
  },
  /** What the kernel says where it keeps the module. */
  unload(): { readonly status: number | null; readonly stderr: string } {
    const { status, stderr } = spawnSync('/run/twin/busybox', ['rmmod', 'bpmp_host'], { encoding: 'utf8' });
    return { status, stderr };
  },
  set(setting: Setting, value: string): void {
    writeFileSync(join(CONTROL, setting), value);
  },
  reset(): void {
    for (const [setting, value] of Object.entries(DEFAULTS)) this.set(setting as Setting, value);
    this.clearLog();
  },
  clearLog(): void {
    writeFileSync(join(CONTROL, 'log'), 'x');
  },
  log(): LogLine[] {
    return lines('log').map(parse);
  },
  /** What is on, and not as it was when the power came. */
  state: () => lines('state'),
  /** Who has it open: "PID NAME". */
  openers: () => lines('open'),
};

function lines(name: string): string[] {
  return readFileSync(join(CONTROL, name), 'utf8').split('\n').filter(Boolean);
}

function parse(line: string): LogLine {
  const [, form, pid, mrq, txSize, tx, rxSize, ret] = line.split(' ') as [
    string,
    LogLine['form'],
    ...string[],
  ];
  if (ret === undefined) throw new Error(`the module's log has a line of its own: ${line}`);
  const answer = ret.startsWith('!') ? { errno: Number(ret.slice(1)) } : { ret: Number(ret) };
  return {
    form,
    pid: Number(pid),
    mrq: Number(mrq),
    txSize: Number(txSize),
    tx: tx === '-' ? '' : tx!,
    rxSize: Number(rxSize),
    ...answer,
  };
}
