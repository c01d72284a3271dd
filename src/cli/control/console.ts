import type { Duplex } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { attachKeyboard } from '../run/keyboard.js';
import { onStopSignals } from '../run/signals.js';
import { SharedTerminal } from '../run/terminal.js';
import { typingInto } from '../run/typist.js';
import { EscapeKey, keyName, parseKey } from './escape-key.js';
import { targetOf } from './target.js';

export async function run({ args: [word], options }: Call, context: Context): Promise<number> {
  const { stdin, stdout, stderr, json } = context;
  const escapeKey = parseKey(options.escape === undefined ? '^]' : String(options.escape));
  const { name, client } = await targetOf(word!);
  const guest = await client.console();
  const terminal = new SharedTerminal(stdout, stderr);
  const note = (text: string) => terminal.note(`gpuvm: ${text}`);
  if (stdin.isTTY) {
    const how = escapeKey === undefined ? 'there is no key that leaves' : `${keyName(escapeKey)} leaves`;
    note(`the console of ${name}; ${how}`);
  }

  const write = (data: Uint8Array) =>
    new Promise<void>((resolve) => {
      // Also called, with an error, where the guest is gone.
      guest.write(data, () => resolve());
    });
  let left = false;
  const leave = () => {
    left = true;
    guest.destroy();
  };
  const ended = new Promise<void>((resolve) => guest.once('close', resolve));
  // Lost or left, it ends; what was said before is printed.
  guest.on('error', () => undefined);
  if (json) printAsJson(guest, context);
  else terminal.attach(guest);
  stdout.stream.once('error', leave);
  const releaseSignals = onStopSignals(leave);
  const releaseKeyboard = attachKeyboard(
    stdin,
    typingInto({ write }),
    leave,
    undefined,
    new EscapeKey(escapeKey, leave),
  );
  try {
    await ended;
  } finally {
    releaseKeyboard();
    releaseSignals();
    stdout.stream.off('error', leave);
    note(left ? `left the console of ${name}, which runs on` : `the console of ${name} ended`);
    terminal.flush();
  }
  return 0;
}

function printAsJson(guest: Duplex, { stdout }: Context): void {
  const decoder = new StringDecoder('utf8');
  guest.on('data', (chunk: Buffer) => {
    const text = decoder.write(chunk);
    if (text !== '') stdout.json({ text });
    if (!stdout.stream.writableNeedDrain) return;
    guest.pause();
    void stdout.drained().then(() => guest.resume());
  });
}
