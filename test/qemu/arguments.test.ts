import { describe, expect, it } from 'vitest';
import { parseVmFile } from '../../src/config/index.js';
import { escapeOption, qemuArguments } from '../../src/qemu/index.js';

function argumentsOf(text: string, bridge?: string[]): string {
  const config = parseVmFile(text, { file: '/vms/kite.yaml' });
  return qemuArguments(config, { qmpPath: '/run/q,mp', ...(bridge ? { bridge } : {}) }).join(' ');
}

const fixed =
  '-chardev stdio,id=console,signal=off -serial chardev:console -S -qmp unix:/run/q,,mp,server=on,wait=off';

describe('qemuArguments', () => {
  it('says what the VM file says, and nothing for what it does not', () => {
    expect(argumentsOf('name: kite\nmachine: none')).toBe(
      `-name kite -nodefaults -no-user-config -display none -machine none -smp 1 ${fixed}`,
    );
  });

  it('puts the bridge after the machine, and what the user adds last', () => {
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
    expect(argumentsOf(text, ['-device', 'window'])).toBe(
      `-name kite -nodefaults -no-user-config -display none -machine virt,gic-version=3 -cpu cortex-a72 -smp 2,cores=2 -m 2048M -kernel /vms/Image -initrd /vms/initrd -dtb /vms/kite.dtb -append quiet init=/init ${fixed} -device window -no-reboot -s`,
    );
  });

  it('boots with another tree than the VM file’s where one was made of it', () => {
    const config = parseVmFile('name: k\nmachine: virt\ndtb: /a.dtb', { file: '/vm.yaml' });
    const args = qemuArguments(config, { qmpPath: '/q', dtb: '/made.dtb' });
    expect(args.slice(args.indexOf('-dtb'), args.indexOf('-dtb') + 2)).toEqual(['-dtb', '/made.dtb']);
  });

  it('writes memory in the largest unit that fits', () => {
    expect(argumentsOf('name: k\nmachine: none\nmemory: 1025K')).toContain('-m 1025K');
  });
});

describe('escapeOption', () => {
  it('doubles commas', () => {
    expect(escapeOption('a,b,,c')).toBe('a,,b,,,,c');
  });
});
