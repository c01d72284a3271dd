import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { loadVmFile, parseVmFile } from '../../src/config/index.js';
import { GpuvmError } from '../../src/errors.js';

const file = '/vms/kite.yaml';
const env = { XDG_CACHE_HOME: '/var/cache' };
const least = 'name: kite\nmachine: virt\n';

function mistakes(text: string): string[] {
  try {
    parseVmFile(text, { file, env });
  } catch (error) {
    if (!GpuvmError.is(error, 'GPUVM_CONFIG')) throw error;
    return (error.details.mistakes as string[]).map((text) => text.replace(`${file}:`, ''));
  }
  return [];
}

describe('a VM file', () => {
  it('needs a name and a machine, and gives the rest its defaults', () => {
    expect(parseVmFile(least, { file, env })).toEqual({
      file,
      name: 'kite',
      qemu: { binary: 'qemu-system-aarch64' },
      machine: 'virt',
      smp: 1,
      deviceTree: { describeDevices: true, profiles: [], overlays: [] },
      display: 'none',
      defaults: false,
      reboot: 'reset',
      disks: [],
      nets: [],
      usb: [],
      platformDevices: [],
      pciDevices: [],
      restore: 'previous',
      guestAgent: false,
      extraArguments: [],
      bridge: { kind: 'none' },
      backend: { kind: 'simulated' },
      ready: { when: 'qmp', deadline: 300_000 },
      restart: { policy: 'never', delay: 1000, maxDelay: 60_000, limit: 5, window: 600_000 },
      onGuestReset: 'keep',
      stop: { powerdown: 20_000, quit: 5_000, terminate: 5_000, kill: 10_000 },
      deadlines: { qmp: 30_000 },
      hooks: { preStart: [], postStart: [], preStop: [], postStop: [] },
      control: { mode: 0o660 },
    });
  });

  it('reads sizes, times, addresses and paths', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the VM file's own variables
    const binary = '${cache}/qemu/bin/qemu-system-aarch64';
    const config = parseVmFile(
      `${least}memory: 2G
qemu: { binary: "${binary}" }
kernel: guests/Image
dtb: ~/kite.dtb
extraArguments: [-drive, "file=\${here}/disk.raw"]
bridge: { kind: vfio-user, layout: shared, guestAddress: 0x10800b00 }
backend: { kind: host-device }
policy: /etc/gpuvm/gpu.yaml
stop: { powerdown: 1500ms, quit: 0s, terminate: 2min, kill: 1s }
`,
      { file, env },
    );
    expect(config).toMatchObject({
      memory: 2n ** 31n,
      qemu: { binary: '/var/cache/gpuvm/qemu/bin/qemu-system-aarch64' },
      kernel: '/vms/guests/Image',
      dtb: join(homedir(), 'kite.dtb'),
      extraArguments: ['-drive', 'file=/vms/disk.raw'],
      bridge: { kind: 'vfio-user', layout: 'shared', guestAddress: 0x10800b00n },
      backend: { kind: 'host-device', path: '/dev/bpmp-host' },
      policy: '/etc/gpuvm/gpu.yaml',
      stop: { powerdown: 1500, quit: 0, terminate: 120_000, kill: 1000 },
    });
  });

  it.each([
    ['', ['1:1: the VM file must be a map of keys and values']],
    ['- 1', ['1:1: the VM file must be a map of keys and values']],
    ['name: kite', ['1:1: machine is missing']],
    [`${least}memry: 2G`, ['3:1: memry is not known: did you mean "memory"?']],
    [`${least}stop:\n  quti: 5s`, ['4:3: stop.quti is not known: did you mean "quit"?']],
    [
      `${least}policy: p\nbridge:\n  kind: vfio-user\n  layuot: auto`,
      ['6:3: bridge.layuot is not known: did you mean "layout"?'],
    ],
    [`${least}bridge: { kind: none, layout: auto }`, ['3:23: bridge.layout is not known: there are kind']],
    [
      `${least}bridge: { kind: vfiouser }`,
      [
        '3:17: bridge.kind is "vfiouser": did you mean "vfio-user"? It is one of none, vfio-user, ivc, interposed',
      ],
    ],
    [`${least}bridge: {}`, ['3:9: bridge.kind is missing: it is one of none, vfio-user, ivc, interposed']],
    [`${least}bridge: none`, ['3:9: bridge must be a map of keys and values']],
    [
      `${least}policy: p\nbridge: { kind: vfio-user, layout: shaerd }`,
      ['4:36: bridge.layout is "shaerd": did you mean "shared"? It is one of auto, shared, trapped'],
    ],
    [
      `${least}policy: p\nbridge: { kind: vfio-user, guestAddress: "12" }`,
      ['4:42: bridge.guestAddress is "12", which is not an address such as 0x10800000'],
    ],
    [
      `${least}policy: p\nbridge: { kind: vfio-user, guestAddress: -1 }`,
      ['4:42: bridge.guestAddress is -1, which is not an address such as 0x10800000'],
    ],
    [`${least}memory: 2`, ['3:9: memory must be a size with its unit, such as 512M or 4G']],
    [`${least}memory: 2X`, ['3:9: memory is "2X", which is not a size with its unit, such as 512M or 4G']],
    [`${least}smp: 0`, ['3:6: smp must be a number of CPUs from 1 to 512, or text for -smp']],
    [`${least}stop: { quit: 5 }`, [expect.stringMatching(/^3:15: stop\.quit must be a time with its unit/)]],
    [
      `${least}stop: { quit: 25h }`,
      [expect.stringMatching(/^3:15: stop\.quit is "25h", which is not a time/)],
    ],
    [`${least}stop: { kill: 0s }`, ['3:15: stop.kill must be 1s or more: it is the last rung']],
    [
      `${least}backend: { kind: simulated, latencyUs: -3, tag: [] }`,
      ['3:40: backend.latencyUs must be at least 0', '3:49: backend.tag must be text'],
    ],
    [
      `${least}backend: { kind: simulated, fualts: [], seed: 0.5 }`,
      [
        '3:29: backend.fualts is not known: did you mean "faults"?',
        '3:47: backend.seed must be a whole number',
      ],
    ],
    [`${least}backend: { kind: host-device, path: "" }`, ['3:37: backend.path must not be empty']],
    [
      `${least}backend: { kind: simulated, debugClocks: -1 }`,
      ['3:42: backend.debugClocks must be at least 0'],
    ],
    [`${least}extraArguments: -s`, ['3:17: extraArguments must be a list']],
    [`${least}extraArguments: [-s, 3]`, ['3:22: extraArguments[2] must be text']],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the VM file's own variables
    [`${least}kernel: \${cahce}/Image`, ['3:9: ${cahce} is not known: did you mean ${cache}?']],
    [`${least}append: quiet`, ['3:1: append has no effect without kernel']],
    [
      `${least}bridge: { kind: vfio-user }`,
      ['3:9: policy is missing: a bridge needs one, or nothing would be allowed'],
    ],
    [
      `${least}policy: p\nbridge: { kind: ivc, guestAddress: 0x1000 }`,
      ['4:22: bridge.guestAddress is not known: there are kind, layout'],
    ],
    [
      'name: kite\nmachine: q35\npolicy: p\nbridge: { kind: ivc }',
      ["2:10: machine q35: bridge.kind ivc is for QEMU's machine virt"],
    ],
    [`${least}deviceTree: { overlays: a.dtbo }`, ['3:25: deviceTree.overlays must be a list']],
    [
      `${least}deviceTree: { overlay: [a.dtbo] }`,
      ['3:15: deviceTree.overlay is not known: did you mean "overlays"?'],
    ],
    [
      `${least}deviceTree: { overlays: [a.dtbo, "\${her}/b.dtbo"] }`,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the VM file's own variables
      ['3:34: ${her} is not known: did you mean ${here}?'],
    ],
    [`${least}name: again`, ['3:1: name is there twice']],
    ['name: "a/b"\nmachine: 3', [expect.stringMatching(/^1:7: name must be/), '2:10: machine must be text']],
    ['name: a: b', [expect.stringMatching(/^1:/)]],
  ])('refuses %j', (text, expected) => {
    expect(mistakes(text)).toEqual(expected);
  });

  it('is one line of error, with the number of further mistakes', () => {
    expect(() => parseVmFile('memry: 1', { file })).toThrow(
      '/vms/kite.yaml:1:1: name is missing (and 2 more)',
    );
  });

  it('does not let aliases grow', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${[...'bcdefghij']
      .map((name, i) => `${name}: &${name} [${Array(10).fill(`*${'abcdefghij'[i]}`).join(',')}]`)
      .join('\n')}`;
    expect(() => parseVmFile(bomb, { file })).toThrow(expect.objectContaining({ code: 'GPUVM_CONFIG' }));
  });

  it('never fails with anything but its own errors', () => {
    const keys = fc.constantFrom(
      'name',
      'machine',
      'smp',
      'memory',
      'stop',
      'bridge',
      'backend',
      'kind',
      'x',
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.constantFrom('none', 'vfio-user', '2G', '5s', 1),
        fc.dictionary(keys, tie('tree')),
      ),
    }));
    const texts = fc.oneof(
      fc.string(),
      tree.map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(texts, (text) => {
        for (const mistake of mistakes(text)) expect(mistake).toMatch(/^\d+:\d+: \S/);
      }),
      { numRuns: 500 },
    );
  });
});

describe('loadVmFile', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gpuvm-config-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('says which file is not there', async () => {
    await expect(loadVmFile('/nowhere/vm.yaml')).rejects.toMatchObject({
      code: 'GPUVM_FILE',
      message: 'the VM file /nowhere/vm.yaml cannot be read: it is not there',
    });
    const vm = join(folder, 'vm.yaml');
    writeFileSync(vm, `${least}kernel: Image\ninitrd: .\n`);
    await expect(loadVmFile(vm, { checkFiles: true })).rejects.toMatchObject({
      code: 'GPUVM_CONFIG',
      message: `${vm}:3:9: kernel ${folder}/Image is not there (and 1 more)`,
    });
    writeFileSync(vm, `${least}deviceTree: { overlays: [x.dtbo] }\n`);
    await expect(loadVmFile(vm, { checkFiles: true })).rejects.toThrow(
      `${vm}:3:26: the overlay ${folder}/x.dtbo is not there`,
    );
    writeFileSync(vm, `${least}kernel: Image\n`);
    await expect(loadVmFile(vm)).resolves.toMatchObject({ kernel: join(folder, 'Image') });
  });

  it.each([
    ['kernel: Image/x', 'kernel {}/Image/x is below a file, not a folder'],
    ['kernel: .', 'kernel {} is a folder, not a file'],
    ['firmware: { code: Image, vars: vars.fd }', 'firmware.vars {}/vars.fd is not there'],
    ['disks: [{ file: none.img }]', 'disks[1].file {}/none.img is not there'],
    ['disks: [{ file: . }]', 'disks[1].file {} is a folder, not a file'],
    ['disks: [{ file: image.qcow2 }]', 'disks[1].file {}/image.qcow2 is a qcow2 image: add format: qcow2'],
    [
      'disks: [{ file: Image, format: qcow2 }]',
      'disks[1].file {}/Image is no qcow2 image: leave format out, or make it one',
    ],
    ['memory: 1G\nmemoryBackend: { kind: file, path: no/shm }', 'memoryBackend.path {}/no/shm is not there'],
    ['hooks: { preStart: [[./hook]] }', 'hooks.preStart[1] {}/hook is not there'],
    ['hooks: { preStart: [[./Image]] }', 'hooks.preStart[1] {}/Image cannot be run: it is not executable'],
    ['policy: policies/gpu.yaml', 'policy {}/policies/gpu.yaml is not there'],
  ])('looks at the files: %s', async (lines, expected) => {
    writeFileSync(join(folder, 'Image'), 'MZ');
    writeFileSync(join(folder, 'image.qcow2'), 'QFI\xfb\0\0\0\x03', 'latin1');
    const vm = join(folder, 'vm.yaml');
    writeFileSync(vm, `${least}${lines}\n`);
    await expect(loadVmFile(vm, { checkFiles: true })).rejects.toMatchObject({ code: 'GPUVM_CONFIG' });
    await expect(loadVmFile(vm, { checkFiles: true })).rejects.toThrow(expected.replace('{}', folder));
    await expect(loadVmFile(vm)).resolves.toMatchObject({ name: 'kite' });
  });

  it('reads no more of a file than a VM file has', async () => {
    await expect(loadVmFile('/dev/zero')).rejects.toMatchObject({
      code: 'GPUVM_CONFIG',
      message: '/dev/zero: is too long for a VM file',
    });
    await expect(loadVmFile(folder)).rejects.toThrow(`the VM file ${folder} cannot be read: it is a folder`);
    await expect(loadVmFile('/dev/null/vm.yaml')).rejects.toMatchObject({ code: 'GPUVM_FILE' });
    const vm = join(folder, 'latin1.yaml');
    writeFileSync(vm, `${least}kernel: Gr\xfc\xdfe\n`, 'latin1');
    await expect(loadVmFile(vm)).rejects.toThrow(`${vm}: is not text in UTF-8`);
    writeFileSync(vm, `\uFEFF${least.replaceAll('\n', '\r\n')}`);
    await expect(loadVmFile(vm)).resolves.toMatchObject({ name: 'kite', machine: 'virt' });
  });

  it('finds nothing wrong with files that are as they should be', async () => {
    writeFileSync(join(folder, 'image.qcow2'), 'QFI\xfb\0\0\0\x03', 'latin1');
    const vm = join(folder, 'vm.yaml');
    const memory = 'memory: 1G\nmemoryBackend: { kind: file, path: made-by-qemu }';
    const disks = 'disks: [{ file: image.qcow2, format: qcow2 }, { file: /dev/null, readonly: true }]';
    writeFileSync(
      vm,
      `${least}${memory}\n${disks}\nhooks: { postStop: [[/bin/sh, -c, "true"], [echo, done]] }\n`,
    );
    await expect(loadVmFile(vm, { checkFiles: true })).resolves.toMatchObject({
      hooks: { postStop: [{ run: ['/bin/sh', '-c', 'true'], deadline: 30_000 }, { run: ['echo', 'done'] }] },
    });
  });
});
