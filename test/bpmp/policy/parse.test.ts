import { describe, expect, it } from 'vitest';
import { loadPolicy, parsePolicy } from '../../../src/bpmp/policy/index.js';
import { GpuvmError } from '../../../src/errors.js';

function failure(text: string): GpuvmError {
  try {
    parsePolicy(text, { file: 'p.yaml' });
  } catch (error) {
    if (GpuvmError.is(error, 'GPUVM_POLICY')) return error;
    throw error;
  }
  throw new Error('the policy was accepted');
}

const mistakes: [text: string, message: string][] = [
  ['', 'p.yaml:1:1: the policy is empty: it starts with "version: 1"'],
  ['# nothing\n', 'p.yaml:1:1: the policy is empty: it starts with "version: 1"'],
  ['- a', 'p.yaml:1:1: a policy is a mapping: "version: 1", "clocks:" and so on'],
  ['hello', 'p.yaml:1:1: a policy is a mapping: "version: 1", "clocks:" and so on'],
  ['mode: audit', 'p.yaml:1:1: the version is missing: add "version: 1"'],
  ['version: 2', 'p.yaml:1:1: the version cannot be "2": this gpuvm reads "version: 1"'],
  ['version: [1]', 'p.yaml:1:1: the version cannot be that: this gpuvm reads "version: 1"'],
  ['version: 1\nversion: 1', 'p.yaml:2:1: "version" is given twice, first at line 1: keep one'],
  ['version: 1\nclock:\n  A: use', 'p.yaml:2:1: unknown key "clock" in the policy: did you mean "clocks"?'],
  ['version: 1\n? [a]\n: b', 'p.yaml:2:3: a key of the policy must be a name or a number'],
  ['version: 1\nchip: tegra243', 'p.yaml:2:7: "chip" cannot be "tegra243": did you mean "tegra234"?'],
  ['version: 1\nview: filter', 'p.yaml:2:7: "view" cannot be "filter": did you mean "filtered"?'],
  ['version: 1\nmode: 3', 'p.yaml:2:7: "mode" cannot be "3": write enforce, audit or learn'],
  ['version: 1\nmode: {a: b}', 'p.yaml:2:7: "mode" cannot be a mapping: write enforce, audit or learn'],
  ['version: 1\nshared:', 'p.yaml:2:8: "shared" cannot be nothing: write absorb or deny'],
  [
    'version: 1\nlimit: fast',
    'p.yaml:2:1: "limit" must be "none" or a mapping such as {perSecond: 2000, burst: 4000}',
  ],
  [
    'version: 1\nlimit: {perSecond: 0}',
    'p.yaml:2:20: "perSecond" must be a whole number from 1 to 1000000000',
  ],
  [
    'version: 1\nlimit: {perSecnd: 1}',
    'p.yaml:2:9: unknown key "perSecnd" in "limit": did you mean "perSecond"?',
  ],
  ['version: 1\nlimit: {exceeded: wait}', 'p.yaml:2:19: "exceeded" cannot be "wait": write delay or deny'],
  ['version: 1\nlearn: [a]', 'p.yaml:2:1: "learn" must be a mapping, not a list'],
  [
    'version: 1\nlearn: {forwards: {}}',
    'p.yaml:2:9: unknown key "forwards" in "learn": did you mean "forward"?',
  ],
  ['version: 1\nlearn:\n  forward: [GPUSYS]', 'p.yaml:3:3: "forward" must be a mapping, not a list'],
  [
    'version: 1\nlearn:\n  forward:\n    clock: [GPUSYS]',
    'p.yaml:4:5: unknown key "clock" in "forward": did you mean "clocks"?',
  ],
  [
    'version: 1\nlearn:\n  forward:\n    resets: GPU',
    'p.yaml:4:5: "resets" takes a list of names such as [GBE_UPHY_PLL2]',
  ],
  [
    'version: 1\nlearn:\n  forward:\n    clocks: [OSC, GPUSY]',
    'p.yaml:4:19: unknown clock "GPUSY": did you mean "GPUSYS"?',
  ],
  [
    'version: 1\nlearn: {forward: {clocks: [[OSC]]}}',
    'p.yaml:2:28: a clock is given by its name, its id or a range',
  ],
  ['version: 1\nclocks: use', 'p.yaml:2:1: "clocks" must be a mapping, not "use"'],
  ['version: 1\nclocks: [GPUSYS]', 'p.yaml:2:1: "clocks" must be a mapping, not a list'],
  ['version: 1\nclocks:\n  GPUSY: use', 'p.yaml:3:3: unknown clock "GPUSY": did you mean "GPUSYS"?'],
  ['version: 1\nclocks:\n  434343: use', 'p.yaml:3:3: clock "434343" is out of range: ids end at 476'],
  [
    'version: 1\nclocks:\n  13: use',
    'p.yaml:3:3: no clock has the id 13; the next are 12 CAN2_HOST and 14 CLK_M',
  ],
  [
    'version: 1\nclocks:\n  -1: use',
    'p.yaml:3:3: unknown clock "-1": give a name, an id or a range such as 10-20',
  ],
  ['version: 1\nclocks:\n  20-10: use', 'p.yaml:3:3: the range "20-10" runs backwards: write "10-20"'],
  [
    'version: 1\nclocks:\n  VIC..NVDEC: use',
    'p.yaml:3:3: the range "VIC..NVDEC" runs backwards: write "NVDEC..VIC"',
  ],
  ['version: 1\nclocks:\n  13-13: use', 'p.yaml:3:3: the range "13-13" holds no clock'],
  ['version: 1\nclocks:\n  10-999: use', 'p.yaml:3:3: clock "999" is out of range: ids end at 476'],
  ['version: 1\nclocks:\n  NVDEX..VIC: use', 'p.yaml:3:3: unknown clock "NVDEX": did you mean "NVDEC"?'],
  ['version: 1\nclocks:\n  GPUSYS: tun', 'p.yaml:3:11: unknown right "tun": did you mean "tune"?'],
  [
    'version: 1\nclocks:\n  GPUSYS: 7',
    'p.yaml:3:11: unknown right "7": write none, read, use, tune or shared',
  ],
  [
    'version: 1\nclocks:\n  GPUSYS:',
    'p.yaml:3:10: "GPUSYS" has no right: write none, read, use, tune or shared',
  ],
  [
    'version: 1\nclocks:\n  GPUSYS: [use]',
    'p.yaml:3:11: a right is one word: write none, read, use, tune or shared',
  ],
  ['version: 1\nclocks:\n  GPUSYS: {}', 'p.yaml:3:3: "GPUSYS" has neither "right" nor "commands"'],
  [
    'version: 1\nclocks:\n  GPUSYS: {rihgt: use}',
    'p.yaml:3:12: unknown key "rihgt" in "GPUSYS": did you mean "right"?',
  ],
  [
    'version: 1\nclocks:\n  GPUSYS: use\n  304: tune',
    'p.yaml:4:3: clock GPUSYS (304) is "use" at line 3 and "tune" here: keep one',
  ],
  [
    'version: 1\nclocks:\n  GPUSYS: use\n  300-310: read',
    'p.yaml:4:3: clock GPUSYS (304) is "use" at line 3 and "read" here: keep one',
  ],
  [
    'version: 1\nclocks:\n  NVDEC: { right: tune, maxRate: 1.3 GB }',
    'p.yaml:3:34: "1.3 GB" has an unknown unit: write Hz, kHz, MHz or GHz',
  ],
  [
    'version: 1\nclocks:\n  NVDEC: { right: tune, maxRate: "13" }',
    'p.yaml:3:34: "13" has no unit: write Hz, kHz, MHz or GHz',
  ],
  [
    'version: 1\nclocks:\n  NVDEC: { right: tune, maxRate: -5 }',
    'p.yaml:3:34: -5 is not a rate: a whole number of Hz above 0, or with a unit, such as 1.3 GHz',
  ],
  [
    'version: 1\nclocks:\n  NVDEC: { right: use, commands: [ENABEL] }',
    'p.yaml:3:35: unknown CLK command "ENABEL": did you mean "ENABLE"?',
  ],
  [
    'version: 1\nclocks:\n  NVDEC: { right: use, commands: [SET_RATE] }',
    'p.yaml:3:35: SET_RATE takes the right "tune", not "use": raise the right or leave it out',
  ],
  [
    'version: 1\nclocks:\n  NVDEC: { commands: [GET_MAX_CLK_ID] }',
    'p.yaml:3:23: GET_MAX_CLK_ID names no resource: it belongs to "mrqs: {CLK: [GET_MAX_CLK_ID]}", and is allowed by default',
  ],
  [
    'version: 1\nclocks:\n  NVDEC: { commands: [] }',
    'p.yaml:3:12: "commands" must be a list such as [ENABLE, DISABLE]; for none, write none',
  ],
  [
    'version: 1\nclocks:\n  NVDEC: { right: use, shared: maybe }',
    'p.yaml:3:24: "shared" must be true or false',
  ],
  [
    'version: 1\nclocks:\n  NVDEC: { right: use, onShared: drop }',
    'p.yaml:3:34: "onShared" cannot be "drop": write absorb or deny',
  ],
  [
    'version: 1\nresets:\n  GPU: tune',
    'p.yaml:3:8: a reset knows no right "tune": write none, use or shared',
  ],
  [
    'version: 1\nresets:\n  GPU: { right: use, maxRate: 1 GHz }',
    'p.yaml:3:22: unknown key "maxRate" in "GPU": known are right, shared, onShared or commands',
  ],
  ['version: 1\npowerDomains:\n  GPV: use', 'p.yaml:3:3: unknown power domain "GPV": did you mean "GPU"?'],
  ['version: 1\nmrqs:\n  DEBG: read', 'p.yaml:3:3: unknown MRQ "DEBG": did you mean "DEBUG"?'],
  ['version: 1\nmrqs:\n  200: allow', 'p.yaml:3:3: unknown MRQ "200": the ABI header has no such MRQ'],
  [
    'version: 1\nmrqs:\n  DEBUG: allow',
    'p.yaml:3:10: DEBUG takes "read" or a list: writing debug files reaches everything, around this policy',
  ],
  [
    'version: 1\nmrqs:\n  DEBUG: [OPEN_R]',
    'p.yaml:3:11: unknown DEBUG command "OPEN_R": did you mean "OPEN_RO"?',
  ],
  ['version: 1\nmrqs:\n  THERMAL: raed', 'p.yaml:3:12: "THERMAL" cannot be "raed": did you mean "read"?'],
  [
    'version: 1\nmrqs:\n  THERMAL: {a: b}',
    'p.yaml:3:12: "THERMAL" cannot be a mapping: write none, read, allow or a list of commands',
  ],
  [
    'version: 1\nmrqs:\n  THERMAL: [HOST_TRIP_REACHED]',
    'p.yaml:3:13: THERMAL HOST_TRIP_REACHED is sent by the firmware, never by a guest: leave it out',
  ],
  ['version: 1\nmrqs:\n  PING: [PING]', 'p.yaml:3:9: PING has no commands: write "allow"'],
  ['version: 1\nmrqs:\n  CLK: allow', 'p.yaml:3:8: CLK is granted by resource: write it under "clocks:"'],
  [
    'version: 1\nmrqs:\n  CLK: [ENABLE]',
    'p.yaml:3:9: CLK ENABLE is granted by resource: write it under "clocks:"',
  ],
  [
    'version: 1\nmrqs:\n  I2C: allow',
    'p.yaml:3:8: I2C is granted by bus and address: write "i2c: {5: [0x3c]}"',
  ],
  [
    'version: 1\nmrqs:\n  DEBUG: read\n  75: none',
    'p.yaml:4:3: DEBUG is given something else at line 3: keep one',
  ],
  ...['QUERY_TAG', 'DEBUGFS', 'CPU_VHINT'].map((name): [string, string] => [
    `version: 1\nmrqs:\n  ${name}: allow`,
    `p.yaml:3:${name.length + 5}: ${name} is never granted: its requests hold addresses at which the firmware reads or writes memory`,
  ]),
  ['version: 1\ni2c:\n  99: [1]', 'p.yaml:3:3: "99" is no I2C bus: write a number from 0 to 15'],
  [
    'version: 1\ni2c:\n  5: allow',
    'p.yaml:3:3: I2C bus "5" takes a list of addresses such as [0x3c], or none',
  ],
  ['version: 1\ni2c:\n  5: [0x80]', 'p.yaml:3:7: an I2C address is a number from 0 to 0x7f'],
  ['version: 1\ni2c:\n  5: [1]\n  0x5: [2]', 'p.yaml:4:3: I2C bus 5 is already given at line 3: keep one'],
];

describe('a mistake in a policy', () => {
  it.each(mistakes)('%j is told by place, nearest name and help', (text, message) => {
    expect(failure(text).message).toBe(message);
  });

  it('is one line, whatever the file holds', () => {
    for (const [text] of mistakes) expect(failure(text).message).not.toMatch(/\n|^\s+at /m);
    expect(failure('version: 1\n"a\\nb": 1').message).toBe(
      'p.yaml:2:1: unknown key "a\\nb" in the policy: known are version, chip, view, mode, shared, limit, clocks, ' +
        'resets, powerDomains, mrqs, i2c or learn',
    );
  });

  it('does not hide the others', () => {
    const error = failure('version: 1\nview: x\nclocks:\n  A1: use\n  GPUSYS: y\nmrqs: {Z: w}\n');
    expect(error.message).toMatch(/^p\.yaml:2:7: "view".* \(and 3 more mistakes\)$/);
    expect(error.details.mistakes).toHaveLength(4);
    expect(error.place).toEqual({ file: 'p.yaml', line: 2, column: 7 });
    expect(error.exitStatus).toBe(78);
  });

  it.each([
    ['an unclosed bracket', 'version: 1\nclocks: {'],
    ['a tab', 'version: 1\nclocks:\n\tGPUSYS: use'],
    ['two documents', 'version: 1\n---\nversion: 1'],
    ['an unknown alias', 'version: 1\nclocks: *nope'],
  ])('of YAML, %s, has a place', (_, text) => {
    expect(failure(text).message).toMatch(/^p\.yaml:\d+:\d+: not valid YAML: /);
  });

  it.each([
    ['a file too large', `version: 1 ${'#'.repeat(1 << 20)}`, /larger than 1048576 bytes/],
    ['brackets without end', '['.repeat(1 << 20), /nested too deep/],
    ['dashes without end', '- '.repeat(1 << 19), /nested too deep/],
    ['question marks without end', '? '.repeat(1 << 19), /nested too deep/],
    ['aliases without end', `a: &a 1\nb: [${'*a,'.repeat(200)}]`, /more than 100 YAML aliases/],
    ['too many lines', `version: 1\nclocks:\n${'  GPUSYS: use\n'.repeat(5000)}`, /more than 4096 entries/],
  ])('%s is refused in time', (_, text, message) => {
    expect(failure(text).message).toMatch(message);
  });

  it('lists no more than a hundred', () => {
    const lines = Array.from({ length: 4000 }, (_, index) => `  X${index}: use\n`).join('');
    const error = failure(`version: 1\nclocks:\n${lines}`);
    expect(error.message).toMatch(/and 3999 more mistakes/);
    expect(error.details.mistakes).toHaveLength(100);
  });

  it('of a file that is not there names the file', async () => {
    await expect(loadPolicy('/nowhere/p.yaml')).rejects.toThrow(
      'cannot read the policy /nowhere/p.yaml: ENOENT',
    );
    await expect(loadPolicy('/')).rejects.toMatchObject({ code: 'GPUVM_FILE' });
  });
});

describe('a policy', () => {
  it('has its defaults', () => {
    const policy = parsePolicy('version: 1');
    const { view, mode, shared, limit, warnings } = policy;
    expect({ view, mode, shared, limit, warnings }).toEqual({
      view: 'filtered',
      mode: 'enforce',
      shared: 'absorb',
      limit: { perSecond: 2_000, burst: 4_000, exceeded: 'delay' },
      warnings: [],
    });
    expect(policy.chip.chip).toBe('tegra234');
    expect(parsePolicy('version: 1\nlimit: none').limit).toBeUndefined();
    expect(parsePolicy('version: 1\nlimit: {burst: 7}').limit).toEqual({
      perSecond: 2_000,
      burst: 7,
      exceeded: 'delay',
    });
  });

  it('takes names in any case, numbers, ranges, aliases of YAML and empty sections', () => {
    const policy = parsePolicy(
      'version: 1\nclocks:\n  gpusys: &r use\n  TEGRA234_CLK_NVDEC: *r\n  0x14: use\n  90..91: read\n  46-46: use\nresets:\n',
    );
    expect(policy.compile().grantedClocks).toEqual([20, 46, 83, 90, 91, 304]);
  });

  it.each([
    ['clocks:\n  GPUSYS: use\n  304: use', 3, 'clock GPUSYS (304) is already given "use" at line 3'],
    [
      'clocks:\n  GPUSYS: { right: use, maxRate: 1 GHz }',
      2,
      '"maxRate" has no effect on "GPUSYS", which may not set its rate',
    ],
    [
      'mrqs:\n  DEBUG: [OPEN_WO]',
      2,
      'DEBUG OPEN_WO lets the guest write debug files, and so around this policy',
    ],
    ['mrqs:\n  DEBUG: read\n  75: read', 3, 'DEBUG is already given the same at line 3'],
  ])('warns of what is hardly meant: %j', (text, line, message) => {
    const { warnings } = parsePolicy(`version: 1\n${text}`);
    expect(warnings).toEqual([{ message, place: expect.objectContaining({ line: line + 1 }) }]);
  });
});
