import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/control/console.js';
import { EscapeKey, keyName, parseKey } from '../../../src/cli/control/escape-key.js';
import { Output } from '../../../src/cli/output.js';
import { until } from '../../control/raw.js';
import { Vms } from './vms.js';

const vms = new Vms();

/** A terminal whose keys come as they are pressed. */
function terminal(isTTY: boolean) {
  const stdin = Object.assign(new PassThrough(), {
    isTTY,
    raw: [] as boolean[],
    setRawMode(raw: boolean) {
      this.raw.push(raw);
    },
    unref() {},
  });
  const out = new PassThrough();
  const err = new PassThrough();
  const texts = { out: '', err: '' };
  out.on('data', (chunk) => {
    texts.out += chunk;
  });
  err.on('data', (chunk) => {
    texts.err += chunk;
  });
  const context = { stdin, stdout: new Output(out), stderr: new Output(err), json: false, verbose: false };
  return { stdin, out, texts, context };
}

const typed = () => Buffer.concat(vms.vm.typed).toString('latin1');

describe('gpuvm console', () => {
  it('types what standard input has and prints what the guest says until the VM ends', async () => {
    vms.vm.say('login: ');
    const { stdin, texts, context } = terminal(false);
    const running = run({ args: ['orin'], options: {} }, context);
    stdin.end('root\n\u001d\u0003');
    await until(() => typed() === 'root\n\u001d\u0003', 'it is typed, whatever it is');
    vms.vm.say('# ');
    await until(() => texts.out === 'login: # ', 'it is printed though nothing more is typed');
    await vms.sandbox.clear();
    expect(await running).toBe(0);
    expect(texts.err).toBe('gpuvm: the console of orin ended\n');
    expect(stdin.raw).toEqual([]);
  });

  it('prints JSON', async () => {
    vms.vm.say('gr\u00fc\u00df');
    const { texts, context } = terminal(false);
    const running = run({ args: ['orin'], options: {} }, { ...context, json: true });
    await until(() => texts.out !== '', 'it is printed');
    await vms.sandbox.clear();
    await running;
    expect(texts.out).toBe('{"text":"gr\u00fc\u00df"}\n');
  });

  it('goes where its reader goes', async () => {
    const { out, context } = terminal(false);
    const running = run({ args: ['orin'], options: {} }, context);
    await until(() => vms.vm.watchers === 1, 'it is there');
    out.destroy(Object.assign(new Error('gone'), { code: 'EPIPE' }));
    expect(await running).toBe(0);
    await until(() => vms.vm.watchers === 0, 'it is forgotten');
  });

  it('refuses a key that is none', async () => {
    const { context } = terminal(false);
    await expect(run({ args: ['orin'], options: { escape: 'x' } }, context)).rejects.toMatchObject({
      code: 'GPUVM_USAGE',
      message: '--escape "x" is no key with Ctrl: write ^] or ^a, or none',
    });
  });
});

describe('the key that leaves', () => {
  it.each([
    ['^]', 29, 'Ctrl-]'],
    ['^a', 1, 'Ctrl-A'],
    ['^A', 1, 'Ctrl-A'],
    ['^_', 31, 'Ctrl-_'],
  ])('%s is %d', (text, byte, name) => {
    expect(parseKey(text)).toBe(byte);
    expect(keyName(byte)).toBe(name);
  });

  it.each(['', ']', '^', '^]]', '^1', '^\u00fc'])('%j is none', (text) => {
    expect(() => parseKey(text)).toThrow(expect.objectContaining({ code: 'GPUVM_USAGE' }));
  });

  it('lets pass what was pressed before it, and nothing after', () => {
    let left = 0;
    const keys = new EscapeKey(29, () => left++);
    expect([...keys.pass(Uint8Array.of(3, 1, 120))]).toEqual([3, 1, 120]);
    expect(left).toBe(0);
    expect([...keys.pass(Uint8Array.of(65, 29, 66))]).toEqual([65]);
    expect(left).toBe(1);
    const none = new EscapeKey(parseKey('none'), () => left++);
    expect([...none.pass(Uint8Array.of(29))]).toEqual([29]);
    expect(left).toBe(1);
  });
});
