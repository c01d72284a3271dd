import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/unit/command.js';
import {
  factsOf,
  finalStatuses,
  templateFacts,
  timesOf,
  wantedStatuses,
} from '../../../src/cli/unit/facts.js';
import { parseVmFile } from '../../../src/config/index.js';
import { ExitStatus, HANDED_OVER } from '../../../src/errors.js';
import {
  commandWord,
  dropIn,
  endedUnit,
  recoverUnit,
  serviceUnit,
  word,
} from '../../../src/host/systemd/index.js';
import { endings } from '../../../src/vm/index.js';
import { world } from '../world.js';

const root = resolve(import.meta.dirname, '../../..');
const program = ['/usr/bin/node', '/opt/gpuvm/main.js'];
const folder = mkdtempSync(join(tmpdir(), 'gpuvm-unit-'));
afterAll(() => rmSync(folder, { recursive: true }));

const vm = (text: string, file = '/etc/gpuvm/vm.yaml') =>
  parseVmFile(`name: test\nmachine: virt\n${text}`, { file });
const unitOf = (text: string, file?: string) => serviceUnit(factsOf(vm(text, file), program), 'Head.');
/** All values of a directive, in order. */
const values = (unit: string, key: string) =>
  [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value);

describe("a VM's unit", () => {
  it.each([
    ['machine', 'extraArguments: [-accel, kvm]', ['/dev/kvm rw']],
    ['tap', 'nets: [{ kind: tap, ifname: tap0 }]', ['/dev/net/tun rw', '/dev/vhost-net rw']],
    ['tap without vhost', 'nets: [{ kind: tap, ifname: tap0, vhost: false }]', ['/dev/net/tun rw']],
    ['platform', 'platformDevices: [{ host: 17000000.gpu }]', ['/dev/vfio/vfio rw', 'char-vfio rw']],
    ['pci', 'pciDevices: [{ host: "01:00.0" }]', ['/dev/vfio/vfio rw', 'char-vfio rw']],
    ['usb', 'usb: [{ vendorId: 0x0955, productId: 0x7020 }]', ['char-usb_device rw']],
    ['serial', 'serial: [{ kind: device, path: /dev/ttyUSB0 }]', ['/dev/ttyUSB0 rw']],
    [
      'disk',
      'disks: [{ file: /dev/nvme0n1p3 }, { file: /dev/sr0, readonly: true }]',
      ['/dev/nvme0n1p3 rw', '/dev/sr0 r'],
    ],
    ['bridge', 'bridge: { kind: interposed }\npolicy: p.yaml', ['/dev/bpmp-host rw']],
    ['nothing', '', []],
  ])('allows the devices that it names, and no others: %s', (_what, text, devices) => {
    const unit = unitOf(text);
    expect(values(unit, 'DevicePolicy')).toEqual(['closed']);
    expect(values(unit, 'DeviceAllow')).toEqual(devices);
  });

  it('has only the rights and limits that it needs', () => {
    const plain = unitOf('');
    expect(values(plain, 'CapabilityBoundingSet')).toEqual(['']);
    expect(values(plain, 'LimitMEMLOCK')).toEqual([]);
    expect(values(plain, 'PrivateNetwork')).toEqual(['yes']);
    expect(values(plain, 'SystemCallFilter')).toEqual(['@system-service']);
    expect(values(plain, 'Wants')).toEqual(['gpuvm-recover.service']);
    const full = unitOf(`qemu: { user: qemu }
platformDevices: [{ host: 17000000.gpu }]
nets: [{ kind: user, forwards: ["tcp::22-:22"] }]
bridge: { kind: interposed }
policy: /etc/gpuvm/policy.yaml`);
    expect(values(full, 'CapabilityBoundingSet')).toEqual([
      'CAP_SETUID CAP_SETGID CAP_KILL CAP_DAC_OVERRIDE CAP_CHOWN CAP_SYS_PTRACE CAP_SYS_ADMIN CAP_NET_BIND_SERVICE',
    ]);
    expect(values(full, 'LimitMEMLOCK')).toEqual(['infinity']);
    expect(values(full, 'PrivateNetwork')).toEqual([]);
    expect(values(full, 'SystemCallFilter')).toEqual(['@system-service seccomp mount']);
    expect(values(full, 'RestrictNamespaces')).toEqual(['mnt']);
    expect(values(full, 'Wants')).toEqual(['gpuvm-recover.service', 'modprobe@vfio_platform.service']);
    expect(values(full, 'ReadWritePaths')).toEqual([
      '-/run/gpuvm',
      '-/sys/bus/platform -/sys/bus/pci -/sys/devices',
    ]);
  });

  it('never lets a QEMU that runs as root have CAP_SYS_ADMIN', () => {
    const unit = unitOf('bridge: { kind: interposed }\npolicy: /etc/gpuvm/policy.yaml');
    expect(values(unit, 'CapabilityBoundingSet')).toEqual(['CAP_SYS_PTRACE CAP_SETFCAP']);
    expect(values(unit, 'RestrictNamespaces')).toEqual(['user mnt']);
  });

  it.each([
    ['-nic', ['-nic', 'user']],
    ['a TCP port', ['-serial', 'tcp::4444,server=on']],
    ['a remote disk', ['-drive', 'file=nbd:10.0.0.1:10809']],
  ])("has the host's network for %s in extraArguments", (_what, args) => {
    expect(values(unitOf(`extraArguments: ${JSON.stringify(args)}`), 'PrivateNetwork')).toEqual([]);
  });

  it("has the host's network for metrics, and the right to a port below 1024", () => {
    const unit = unitOf('metrics: { listen: "127.0.0.1:9470" }');
    expect(values(unit, 'PrivateNetwork')).toEqual([]);
    expect(values(unit, 'RestrictAddressFamilies').join(' ')).toContain('AF_INET');
    expect(values(unit, 'CapabilityBoundingSet').join(' ')).not.toContain('CAP_NET_BIND_SERVICE');
    const low = unitOf('metrics: { listen: "127.0.0.1:80" }');
    expect(values(low, 'CapabilityBoundingSet').join(' ')).toContain('CAP_NET_BIND_SERVICE');
  });

  it('may write to what the guest writes to', () => {
    const unit = unitOf(`disks: [{ file: "/srv/a b%.img" }, { file: /srv/cd.iso, readonly: true }]
serial: [{ kind: file, path: /var/log/guest/console }]`);
    expect(values(unit, 'ReadWritePaths')).toEqual(['-/run/gpuvm "-/srv/a b%%.img" -/var/log/guest']);
  });

  it.each([
    ['/etc/gpuvm/vm.yaml', 'yes', 'yes'],
    ['/home/me/vm.yaml', 'read-only', 'yes'],
    ['/tmp/vm.yaml', 'yes', 'no'],
  ])('sees what it needs of homes and /tmp: %s', (file, home, tmp) => {
    const unit = unitOf('', file);
    expect([values(unit, 'ProtectHome'), values(unit, 'PrivateTmp')]).toEqual([[home], [tmp]]);
  });

  it("has a right for files that are somebody else's, where root has none of its own", () => {
    if (process.getuid!() !== 0) return;
    const image = join(folder, 'hidden.img');
    writeFileSync(image, '');
    expect(unitOf(`disks: [{ file: ${image} }]`)).not.toContain('CAP_DAC');
    const own = join(folder, 'own');
    mkdirSync(own);
    chmodSync(own, 0o077);
    expect(unitOf(`kernel: ${join(own, 'Image')}`)).toMatch(/^CapabilityBoundingSet=CAP_DAC_READ_SEARCH$/m);
    expect(unitOf(`disks: [{ file: ${join(own, 'disk')} }]`)).toMatch(
      /^CapabilityBoundingSet=CAP_DAC_OVERRIDE$/m,
    );
  });

  it('waits as long as the VM may take', () => {
    const base = timesOf(vm(''));
    expect(base).toEqual({ startMs: 60_000, stopMs: 85_000 });
    expect(timesOf(vm('ready: { when: console, marker: x, deadline: 2min }')).startMs).toBe(180_000);
    expect(timesOf(vm('stop: { powerdown: 2min }')).stopMs).toBe(185_000);
    expect(timesOf(vm('hooks: { postStop: [{ run: [x], deadline: 7s }] }')).stopMs).toBe(92_000);
    const pinned = timesOf(vm('memory: 8G\nplatformDevices: [{ host: 17000000.gpu }]'));
    expect(pinned).toEqual({ startMs: 91_000, stopMs: 100_000 });
  });

  it('is not restarted after any end of a VM, nor after what no restart mends', () => {
    const stays = Object.values(endings).filter((status) => status !== 0);
    for (const status of [
      ...stays,
      ExitStatus.USAGE,
      ExitStatus.DATA,
      ExitStatus.UNAVAILABLE,
      ExitStatus.CONFIG,
    ])
      expect(finalStatuses).toContain(status);
    expect(finalStatuses).not.toContain(HANDED_OVER);
    expect(finalStatuses).not.toContain(ExitStatus.TEMPORARY);
    for (const status of wantedStatuses) expect(finalStatuses).toContain(status);
    expect(Object.values(endings)).not.toContain(HANDED_OVER);
    expect(Object.values(ExitStatus)).not.toContain(HANDED_OVER);
  });

  it('explains each group of directives', () => {
    for (const paragraph of unitOf('platformDevices: [{ host: 17000000.gpu }]').split('\n\n'))
      expect(paragraph).toMatch(/^(\[\w+\]\n)?# [A-Z/s]/);
  });
});

describe('words of a unit', () => {
  it.each([
    ['/a/b', '/a/b', '/a/b'],
    ['a b', '"a b"', '"a b"'],
    ['50%', '50%%', '50%%'],
    ['$HOME', '$HOME', '$$HOME'],
    ['say "x"\\', '"say \\"x\\"\\\\"', '"say \\"x\\"\\\\"'],
    ["it's", '"it\'s"', '"it\'s"'],
    ['', '""', '""'],
  ])('%j', (text, plain, command) => {
    expect([word(text), commandWord(text)]).toEqual([plain, command]);
  });
});

describe('gpuvm unit', () => {
  const file = join(folder, 'vm.yaml');
  writeFileSync(file, 'name: robot\nmachine: virt\n');

  it('prints the unit, or says it in JSON', async () => {
    const text = world();
    expect(await run({ args: [file], options: {} }, text.context)).toBe(0);
    expect(text.stdout.join('\n')).toContain(`run ${file}\n`);
    const json = world('', { json: true });
    await run({ args: [file], options: { json: true } }, json.context);
    expect(JSON.parse(json.stdout.join('\n'))).toMatchObject({
      ok: true,
      name: 'gpuvm-robot.service',
      text: `${text.stdout.join('\n')}\n`,
    });
  });

  it('installs it with those that it needs', async () => {
    const said = world();
    const { context } = said;
    const target = join(folder, 'units');
    await run({ args: [file], options: { install: target } }, context);
    const names = ['gpuvm-robot.service', 'gpuvm-recover.service', 'gpuvm-ended@.service'];
    expect(said.stdout).toEqual(names.map((name) => join(target, name)));
    for (const name of names) expect(existsSync(join(target, name))).toBe(true);
    expect(said.stderr.join()).toContain('systemctl enable --now gpuvm-robot.service');
    await run({ args: [file], options: { install: target, dropIn: true } }, context);
    expect(readFileSync(join(target, 'gpuvm@robot.service.d/50-vm.conf'), 'utf8')).toMatch(/^DeviceAllow=$/m);
    await run({ args: [], options: { install: target, template: true } }, context);
    expect(readFileSync(join(target, 'gpuvm@.service'), 'utf8')).toContain('run /etc/gpuvm/%i.yaml');
  });

  it.each([
    [[], {}],
    [[file], { template: true }],
  ])('takes a VM file or --template: %j %j', async (args, options) => {
    await expect(run({ args, options }, world().context)).rejects.toMatchObject({ code: 'GPUVM_USAGE' });
  });

  it('says where it cannot write', async () => {
    const call = { args: [file], options: { install: join(file, 'below') } };
    await expect(run(call, world().context)).rejects.toMatchObject({ code: 'GPUVM_FILE' });
  });
});

describe('systemd/', () => {
  // `npx vitest run test/cli/unit -u` writes them anew.
  it('holds the units for a gpuvm on the PATH, as the generator makes them', async () => {
    const call = { args: [], options: { template: true } };
    const said = world();
    await run(call, said.context, ['gpuvm']);
    await expect(`${said.stdout.join('\n')}\n`).toMatchFileSnapshot(join(root, 'systemd/gpuvm@.service'));
    await expect(recoverUnit(['gpuvm'])).toMatchFileSnapshot(join(root, 'systemd/gpuvm-recover.service'));
    await expect(endedUnit(['gpuvm'])).toMatchFileSnapshot(join(root, 'systemd/gpuvm-ended@.service'));
  });

  it('has a template whose drop-in takes its place', () => {
    const facts = factsOf(vm(''), program);
    const lists = ['DeviceAllow', 'CapabilityBoundingSet', 'SystemCallFilter', 'RestrictAddressFamilies'];
    for (const list of lists) expect(values(dropIn(facts, 'x'), list)[0]).toBe('');
    expect(templateFacts(program).devices.length).toBeGreaterThan(0);
  });
});
