import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { run as diff } from '../../../src/cli/dt/diff.js';
import { run as set } from '../../../src/cli/dt/set.js';
import { run as show } from '../../../src/cli/dt/show.js';
import {
  cells,
  cloneTree,
  emptyTree,
  findNode,
  guessValue,
  parseTree,
  setLabel,
  strings,
  type Tree,
  writeTree,
} from '../../../src/devicetree/index.js';
import { arbitraryTree, wiredTree } from '../../devicetree/arbitrary.js';
import { dtc, hasDtc } from '../../devicetree/dtc.js';
import { world } from '../world.js';

const work = mkdtempSync(join(tmpdir(), 'gpuvm-dt-'));
afterAll(() => rmSync(work, { recursive: true }));

let count = 0;
function file(tree: Tree | Uint8Array): string {
  const path = join(work, `${count++}.dtb`);
  writeFileSync(path, tree instanceof Uint8Array ? tree : writeTree(tree));
  return path;
}

async function call(
  run: typeof show,
  args: readonly string[],
  { json = false, ...options }: Record<string, unknown> & { json?: boolean } = {},
) {
  const surroundings = world('', { json });
  const status = await run({ args, options }, surroundings.context);
  const { stdout, stderr } = surroundings;
  return { status, stdout, stderr, json: json ? (JSON.parse(stdout[0]!) as unknown) : undefined };
}

/** A BPMP with labels, and devices that refer to it. */
function small(): Tree {
  const tree = emptyTree();
  const { root } = tree;
  root.set('#address-cells', cells(2)).set('#size-cells', cells(2)).set('model', strings('board'));
  const bpmp = root
    .add('bpmp')
    .set('compatible', strings('nvidia,tegra234-bpmp', 'nvidia,tegra186-bpmp'))
    .set('#clock-cells', cells(1))
    .set('#reset-cells', cells(1))
    .set('phandle', cells(7));
  root
    .add('gpu@17000000')
    .set('clocks', cells(7, 304))
    .set('reg', cells(0, 0x1700_0000, 0, 0x1000))
    .set('status', strings('okay'));
  root.add('plain');
  root.add('aliases').set('gpu0', strings('/gpu@17000000'));
  setLabel(tree, 'bpmp', bpmp);
  return tree;
}

const GPU = '/gpu@17000000';

describe('gpuvm dt show', () => {
  it('prints a node with names for numbers, by path, name, alias and label', async () => {
    const path = file(small());
    const { stdout } = await call(show, [path, GPU]);
    expect(stdout).toEqual([
      'gpu@17000000 {',
      '\tclocks = <&bpmp 0x130 /* GPUSYS */>;',
      '\treg = <0x00 0x17000000 0x00 0x1000>;',
      '\tstatus = "okay";',
      '};',
    ]);
    for (const place of ['/gpu', 'gpu@17000000', 'gpu', 'gpu0'])
      expect((await call(show, [path, place])).stdout, place).toEqual(stdout);
    expect((await call(show, [path, '&bpmp'])).stdout[0]).toBe('bpmp: bpmp {');
  });

  it('prints a property alone', async () => {
    const path = file(small());
    expect((await call(show, [path, 'gpu:clocks'])).stdout).toEqual(['<&bpmp 0x130 /* GPUSYS */>']);
    expect((await call(show, [path, '/:model'])).stdout).toEqual(['"board"']);
    expect((await call(show, [path, 'gpu:clocks'], { json: true })).json).toEqual({
      ...{ path: GPU, name: 'clocks', kind: 'cells', cells: [7, 304], bytes: '0000000700000130' },
      source: '<&bpmp 0x130 /* GPUSYS */>',
      references: [{ to: '/bpmp', args: [304], name: 'GPUSYS' }],
    });
  });

  it('prints a whole tree as JSON', async () => {
    const { json } = await call(show, [file(small())], { json: true });
    expect(json).toMatchObject({
      path: '/',
      labels: [],
      properties: [
        { name: '#address-cells', kind: 'cells', cells: [2] },
        {},
        { kind: 'strings', strings: ['board'] },
      ],
      children: [{ path: '/bpmp', labels: ['bpmp'] }, { path: GPU }, { properties: [] }, {}, {}],
    });
  });

  it.skipIf(!hasDtc)('prints source that dtc makes the same tree of', async () => {
    await fc.assert(
      fc.asyncProperty(wiredTree, async (tree) => {
        const path = file(tree);
        const { stdout } = await call(show, [path]);
        const again = parseTree(dtc(`${stdout.join('\n')}\n`, 'dts', 'dtb', '-b', String(tree.bootCpu)));
        expect((await call(diff, [path, file(again)], { phandles: true })).stdout).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  it.each<[string, string, string]>([
    [
      'a node that is not there',
      '/gpv@17000000',
      'the tree has no node /gpv@17000000: did you mean /gpu@17000000?',
    ],
    ['a label that is not there', '&bpmq', 'the tree has no node &bpmq: did you mean bpmp?'],
    ['nothing near', '/elsewhere', 'the tree has no node /elsewhere'],
    [
      'a property that is not there',
      'gpu:clock',
      '/gpu@17000000 has no property clock: did you mean clocks?',
    ],
    ['no property', 'gpu:', 'gpu:: no property is named after the colon'],
  ])('says what is wrong with %s', async (_, place, message) => {
    await expect(call(show, [file(small()), place])).rejects.toMatchObject({ code: 'GPUVM_USAGE', message });
  });

  it('reads the tree of a running kernel', async () => {
    const live = join(work, 'root/proc/device-tree');
    mkdirSync(join(live, 'chosen'), { recursive: true });
    writeFileSync(join(live, 'chosen/bootargs'), 'quiet\0');
    expect((await call(show, [live, '/chosen:bootargs'])).stdout).toEqual(['"quiet"']);
    await expect(call(set, [live, '/chosen:bootargs', 'loud'])).rejects.toMatchObject({
      code: 'GPUVM_USAGE',
    });
    const output = join(work, 'taken.dtb');
    expect((await call(set, [live, '/chosen:bootargs', 'loud'], { output })).status).toBe(0);
    expect((await call(show, [output, '/chosen:bootargs'])).stdout).toEqual(['"loud"']);
  });
});

describe('gpuvm dt diff', () => {
  it('says by node what goes and what comes, and ends with 1', async () => {
    const [before, after] = [small(), small()];
    findNode(after, GPU)!
      .set('clocks', cells(7, 41))
      .set('dma-coherent', new Uint8Array(0))
      .properties.delete('status');
    findNode(after, '/plain')!.detach();
    after.root.add('new').set('reg', cells(1));
    after.reservations.push({ address: 0x1000n, size: 0x2000n });
    after.bootCpu = 2;
    const { status, stdout } = await call(diff, [file(before), file(after)]);
    expect(status).toBe(1);
    expect(stdout).toEqual([
      'the CPU that boots',
      '- 0',
      '+ 2',
      '+ /memreserve/ 0x1000 0x2000;',
      GPU,
      '- clocks = <&bpmp 0x130 /* GPUSYS */>;',
      '+ clocks = <&bpmp 0x29 /* GPC0CLK */>;',
      '- status = "okay";',
      '+ dma-coherent;',
      '/plain',
      '- plain {',
      '- };',
      '/new',
      '+ new {',
      '+ \treg = <0x01>;',
      '+ };',
    ]);
    const { json } = await call(diff, [file(before), file(after)], { json: true });
    expect(json).toMatchObject({
      equal: false,
      changes: expect.arrayContaining([
        {
          ...{ kind: 'property-changed', path: GPU, property: 'clocks' },
          before: { bytes: '0000000700000130', source: '<&bpmp 0x130 /* GPUSYS */>' },
          after: { bytes: '0000000700000029', source: '<&bpmp 0x29 /* GPC0CLK */>' },
        },
      ]),
    });
  });

  it('takes trees that number their nodes differently for equal, unless it is asked not to', async () => {
    const [before, after] = [small(), small()];
    findNode(after, '/bpmp')!.set('phandle', cells(9));
    findNode(after, GPU)!.set('clocks', cells(9, 304));
    const files = [file(before), file(after)];
    expect(await call(diff, files)).toMatchObject({ status: 0, stdout: [] });
    const { status, stdout } = await call(diff, files, { phandles: true });
    expect(status).toBe(1);
    expect(stdout).toContain('+ phandle = <0x09>;');
  });

  it('of a tree and the same one is empty', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryTree, async (tree) => {
        const { status, stdout } = await call(diff, [file(tree), file(cloneTree(tree))], { phandles: true });
        expect({ status, stdout }).toEqual({ status: 0, stdout: [] });
      }),
      { numRuns: 100 },
    );
  });

  it('says of a file that is none where it is damaged', async () => {
    const good = file(small());
    await expect(call(diff, [good, file(Buffer.from('no tree'))])).rejects.toMatchObject({
      code: 'GPUVM_DEVICE_TREE',
    });
    await expect(call(diff, [good, join(work, 'missing.dtb')])).rejects.toMatchObject({
      code: 'GPUVM_FILE',
      message: expect.stringMatching(/missing\.dtb cannot be read: it is not there$/),
    });
  });
});

describe('gpuvm dt set', () => {
  const written = (path: string) => parseTree(readFileSync(path));
  const valueAt = (path: string, node: string, property: string) =>
    Buffer.from(findNode(written(path), node)!.get(property)!).toString('hex');

  it.each<[string[], string]>([
    [['<1 0x10 010>'], '000000010000001000000008'],
    [
      ['<&bpmp GPUSYS>, <&bpmp gpc0clk /* not it */ &bpmp TEGRA234_CLK_GPC1CLK>'],
      '0000000700000130000000070000002900000007000000ec',
    ],
    [['<7 GPUSYS>'], '0000000700000130'],
    [['<&{/bpmp} 304>'], '0000000700000130'],
    [['"a", "b"'], '61006200'],
    [['a', 'b c'], '610062206300'],
    [['okay'], '6f6b617900'],
    [['"a\\n\\"\\x41\\101\\\\"'], '610a2241415c00'],
    [['[00 1fA0]'], '001fa0'],
    [['&bpmp'], '2f62706d7000'],
    [['/bits/ 64 <0x123456789>, /bits/ 8 <1 2>'], '00000001234567890102'],
    [['<1>', '"x"'], '000000017800'],
    [['<>'], ''],
    [[''], '00'],
  ])('takes %j', async (words, bytes) => {
    const path = file(small());
    expect((await call(set, [path, 'gpu:clocks', ...words])).status).toBe(0);
    expect(valueAt(path, GPU, 'clocks')).toBe(bytes);
  });

  it('takes nothing for a property without a value, but not in the place of one that has a value', async () => {
    const path = file(small());
    expect((await call(set, [path, 'gpu:dma-coherent'])).status).toBe(0);
    expect(valueAt(path, GPU, 'dma-coherent')).toBe('');
    const before = readFileSync(path);
    await expect(call(set, [path, 'gpu:clocks'])).rejects.toThrow(
      "/gpu@17000000:clocks has a value: give the one that it is to have, or '<>' for none",
    );
    expect(readFileSync(path)).toEqual(before);
  });

  it.each<[string, string]>([
    ['5', `is 5 a cell, a string or a byte? Write '<5>', '"5"' or '[5]'`],
    ['<1 2', '"<1 2": a number, &label, or a name is expected at ""'],
    ['<0x100000000>', '0x100000000 is more than 32 bits hold'],
    ['/bits/ 8 <256>', '256 is more than 8 bits hold'],
    ['<12ab>', '12ab is no number'],
    ['<09>', '09 is no number'],
    ['<(1 + 2)>', 'is expected at "(1 + 2)>"'],
    ['<GPUSYS>', 'the name GPUSYS needs the node before it that it is a number of, such as <&bpmp GPUSYS>'],
    ['<&bpmp GPUSIS>', 'there is no clock GPUSIS: did you mean GPUSYS?'],
    ['<&{/plain} GPUSYS>', 'the numbers of /plain have no names in clocks: give the number for GPUSYS'],
    ['<&bpnp 1>', 'the tree has no label bpnp: did you mean bpmp?'],
    ['&{/nowhere}', 'the tree has no node /nowhere'],
    ['[0 1]', 'a byte has two hexadecimal digits'],
    ['[0g]', 'bytes of two hexadecimal digits each, then ] is expected at "0g]"'],
    ['"open', 'the end of the string, " is expected'],
    ['<1> <2>', 'a comma is expected at "<2>"'],
    ['/bits/ 64 <&bpmp>', 'a reference has 32 bits, not 64'],
  ])('says what is wrong with %s, and changes nothing', async (word, message) => {
    const path = file(small());
    const before = readFileSync(path);
    await expect(call(set, [path, 'gpu:clocks', word])).rejects.toMatchObject({
      code: 'GPUVM_USAGE',
      message: expect.stringContaining(message),
    });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('says what has changed, phandles that it gave too', async () => {
    const path = file(small());
    const { stdout } = await call(set, [path, 'gpu:memory-region', '<&{/plain}>']);
    expect(stdout).toEqual([GPU, '+ memory-region = <&{/plain}>;', '/plain', '+ phandle = <0x08>;']);
    const { json } = await call(set, [path, 'gpu:status', 'disabled'], { json: true });
    expect(json).toEqual({
      output: path,
      changes: [
        {
          ...{ kind: 'property-changed', path: GPU, property: 'status' },
          before: { bytes: '6f6b617900', source: '"okay"' },
          after: { bytes: '64697361626c656400', source: '"disabled"' },
        },
      ],
      dangling: [],
    });
  });

  it('takes out properties and nodes, and warns of what leads nowhere then', async () => {
    const path = file(small());
    await call(set, [path, 'gpu:status'], { delete: true });
    expect(findNode(written(path), GPU)!.get('status')).toBeUndefined();
    const { stderr } = await call(set, [path, 'bpmp'], { delete: true });
    expect(findNode(written(path), '/bpmp')).toBeUndefined();
    expect(stderr).toEqual([`gpuvm: warning: what these refer to is no longer there: ${GPU}:clocks`]);
    for (const [args, message] of [
      [['/'], 'the root cannot be deleted'],
      [['gpu:reg', '<1>'], '--delete takes no value'],
      [['gpu:rag'], '/gpu@17000000 has no property rag: did you mean reg?'],
    ] as const)
      await expect(call(set, [path, ...args], { delete: true })).rejects.toMatchObject({ message });
    await expect(call(set, [path, 'gpu', 'x'])).rejects.toMatchObject({
      message: `which property of ${GPU}? Give ${GPU}:PROPERTY`,
    });
  });

  it('replaces a file as a whole: its mode stays, a link stays one, nothing is left beside it', async () => {
    const folder = mkdtempSync(join(work, 'safe-'));
    const [path, link] = [join(folder, 'tree.dtb'), join(folder, 'link.dtb')];
    writeFileSync(path, writeTree(small()));
    chmodSync(path, 0o640);
    symlinkSync('tree.dtb', link);
    const { ino } = statSync(path);
    await call(set, [link, 'gpu:status', 'disabled']);
    expect(readdirSync(folder).sort()).toEqual(['link.dtb', 'tree.dtb']);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(statSync(path).ino).not.toBe(ino);
    expect(valueAt(path, GPU, 'status')).toBe('64697361626c656400');
    const output = join(folder, 'no/such.dtb');
    await expect(call(set, [path, 'gpu:x'], { output })).rejects.toMatchObject({
      code: 'GPUVM_FILE',
      message: expect.stringContaining(`${output} cannot be written: ENOENT`),
    });
    expect(readdirSync(folder).sort()).toEqual(['link.dtb', 'tree.dtb']);
  });

  it('takes back what show prints, for any value', async () => {
    const value = fc.oneof(
      fc.uint8Array({ maxLength: 24 }),
      fc.array(fc.string({ maxLength: 8 }), { minLength: 1, maxLength: 3 }).map((all) => strings(...all)),
      fc.array(fc.nat(0xffff_ffff), { maxLength: 6 }).map((all) => cells(...all)),
    );
    await fc.assert(
      fc.asyncProperty(value, async (bytes) => {
        const tree = small();
        findNode(tree, '/plain')!.set('value', bytes);
        const [from, to] = [file(tree), file(small())];
        const [line = ''] = (await call(show, [from, '/plain:value'])).stdout;
        await call(set, [to, '/plain:value', ...(line === '' ? [] : [line])]);
        expect(guessValue(findNode(written(to), '/plain')!.get('value')!)).toEqual(guessValue(bytes));
        expect((await call(diff, [from, to])).stdout).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
