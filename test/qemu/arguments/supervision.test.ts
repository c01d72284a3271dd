import { describe, expect, it } from 'vitest';
import { parseVmFile } from '../../../src/config/index.js';
import {
  escapeOption,
  qemuArguments,
  type RuntimeArguments,
  supervisionArguments,
} from '../../../src/qemu/index.js';

function supervision(lines: string, runtime: Partial<RuntimeArguments> = {}): string {
  const config = parseVmFile(`name: kite\nmachine: virt\n${lines}`, { file: '/vms/kite.yaml' });
  return supervisionArguments(config, { qmpPath: '/q', ...runtime }).join(' ');
}

const name = '-name kite';
const chardev = '-chardev stdio,id=console,signal=off';
const rest = '-S -qmp unix:/q,server=on,wait=off';

describe('supervisionArguments', () => {
  it('make the console of the standard input and output', () => {
    expect(supervision('')).toBe(`${name} ${chardev} -serial chardev:console ${rest}`);
  });

  it('leave the console to QEMU where it takes stdio itself, and only there', () => {
    expect(supervision('display: nographic\ndefaults: true')).toBe(`${name} ${rest}`);
    expect(supervision('display: nographic')).toBe(`${name} ${chardev} -serial chardev:console ${rest}`);
    expect(supervision('defaults: true')).toBe(`${name} ${chardev} -serial chardev:console ${rest}`);
  });

  it('make only the ports that the file does not list', () => {
    expect(supervision('serial: [{ kind: pty }, { kind: console }]')).toBe(`${name} ${chardev} ${rest}`);
    expect(supervision('serial: [{ kind: pty }]')).toBe(`${name} ${rest}`);
    expect(supervision('serial: []\ndisplay: nographic\ndefaults: true')).toBe(`${name} ${rest}`);
  });

  it("make the guest agent's channel, whether somebody listens or not", () => {
    const port = `${chardev} -serial chardev:console`;
    expect(supervision('guestAgent: true')).toBe(`${name} ${port} -chardev null,id=guest-agent ${rest}`);
    expect(supervision('guestAgent: true', { guestAgentPath: '/a,b' })).toBe(
      `${name} ${port} -chardev socket,id=guest-agent,path=/a,,b,server=on,wait=off ${rest}`,
    );
  });
});

describe('qemuArguments', () => {
  const text = `name: kite
machine: virt,gic-version=3
cpu: cortex-a72
smp: 2,cores=2
memory: 2G
kernel: Image
initrd: initrd
dtb: kite.dtb
append: quiet init=/init
extraArguments: [-no-reboot, -s]`;
  const config = parseVmFile(text, { file: '/vms/kite.yaml' });

  it('put what the supervisor needs first, what the VM is next, and what the user adds last', () => {
    expect(qemuArguments(config, { qmpPath: '/run/q,mp', bridge: ['-device', 'window'] }).join(' ')).toBe(
      `${name} ${chardev} -serial chardev:console -S -qmp unix:/run/q,,mp,server=on,wait=off -device window -nodefaults -no-user-config -display none -machine virt,gic-version=3 -cpu cortex-a72 -smp 2,cores=2 -m 2G -kernel /vms/Image -initrd /vms/initrd -dtb /vms/kite.dtb -append quiet init=/init -no-reboot -s`,
    );
  });

  it('boot with another tree than the VM file’s where one was made of it', () => {
    const args = qemuArguments(config, { qmpPath: '/q', dtb: '/made.dtb' });
    expect(args.slice(args.indexOf('-dtb'), args.indexOf('-dtb') + 2)).toEqual(['-dtb', '/made.dtb']);
    expect(args).not.toContain('/vms/kite.dtb');
  });
});

describe('escapeOption', () => {
  it('doubles commas', () => {
    expect(escapeOption('a,b,,c')).toBe('a,,b,,,,c');
  });
});
