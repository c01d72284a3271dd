import type { HostDevice } from '../../../../src/bpmp/backend/index.js';
import { Mrq } from '../../../../src/bpmp/wire/index.js';
import { GpuvmError } from '../../../../src/errors.js';
import { ask, closed, open, using } from './host-device-client.js';
import { device } from './host-device-module.js';

const PING_OF = (size: number) => [Mrq.PING, new Uint8Array(size)] as const;

/** What others left in the frame, what a driver says of sizes that cannot be, and how much may be sent. */
async function sizes() {
  return using('threaded', async (backend) => ({
    stale: await stale(backend),
    told: await told(backend),
    limits: await limits(backend),
  }));
}

async function stale(backend: HostDevice) {
  const leave = () => ask(backend, [Mrq.PING, Buffer.alloc(120, 0x77)]);
  await leave();
  const rx = new Uint8Array(128).fill(0xee);
  const outcome = await backend.transfer(Mrq.PING, Buffer.from('01000000', 'hex'), rx);
  const reply = { ...outcome, rx: Buffer.from(rx).toString('hex') };
  await leave();
  // SET_RATE of NVDEC, without the rate.
  const cutShort = await ask(backend, [Mrq.CLK, Buffer.from('53000002', 'hex')]);
  return { reply, cutShort, cutShortLog: device.log().at(-1) };
}

async function told(backend: HostDevice) {
  device.set('sizes', '400');
  const tooMuch = await ask(backend, 'ping 1');
  device.set('sizes', '2');
  const tooLittle = await ask(backend, 'ping 1');
  device.set('sizes', 'reply');
  const exact = await ask(backend, 'clk get-all-info GPUSYS');
  device.set('sizes', 'room');
  return { tooMuch, tooLittle, exact };
}

async function limits(backend: HostDevice) {
  device.clearLog();
  const frame = await ask(backend, PING_OF(120));
  const overFrame = await ask(backend, PING_OF(121));
  const most = await ask(backend, PING_OF(512));
  const overMost = await ask(backend, PING_OF(513));
  return { frame, overFrame, most, overMost, calls: device.log().map(({ txSize }) => txSize) };
}

/** Two at once; the device goes away under them; a driver that answers short; a module that somebody wants to unload. */
async function goings() {
  const [first, second] = [open(), open('blocking')];
  const openers = device.openers().length;
  const both = [await ask(first, 'ping 1'), await ask(second, 'ping 2')];
  const unload = device.unload();
  device.set('presence', 'no-device');
  const dead = [await ask(first, 'ping 1'), await ask(second, 'ping 2')];
  let reopened: unknown;
  try {
    open();
  } catch (error) {
    if (!GpuvmError.is(error)) throw error;
    reopened = { code: error.code, message: error.message };
  }
  device.set('presence', 'whole');
  const back = [await ask(first, 'ping 1'), await ask(second, 'ping 2')];
  device.set('written', '24');
  const short = [await ask(first, 'ping 1'), await ask(second, 'ping 2')];
  const stats = [first.stats(), second.stats()];
  await closed(first);
  await closed(second);
  return { openers, both, unload, dead, reopened, back, short, stats };
}

export const frameCases = { sizes, goings };
