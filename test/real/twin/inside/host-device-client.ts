import { setTimeout } from 'node:timers/promises';
import { HostDevice } from '../../../../src/bpmp/backend/index.js';
import { tegra234 } from '../../../../src/bpmp/tegra234/index.js';
import { parseRequestWords } from '../../../../src/bpmp/wire/index.js';
import { DEVICE, device } from './host-device-module.js';

export const modes = ['threaded', 'blocking'] as const;
export const forms = ['write', 'ioctl'] as const;
export type Mode = (typeof modes)[number];

export const open = (mode: Mode = 'threaded') => HostDevice.open(DEVICE, { blocking: mode === 'blocking' });

export async function using<T>(mode: Mode, use: (backend: HostDevice) => T | Promise<T>): Promise<T> {
  const backend = open(mode);
  try {
    return await use(backend);
  } finally {
    await closed(backend);
  }
}

/** Until the driver has it back as well. */
export async function closed(backend: HostDevice): Promise<void> {
  const before = device.openers().length;
  backend.close();
  for (let tries = 0; tries < 2000 && device.openers().length >= before; tries++) await setTimeout(5);
}

export interface Answer {
  readonly ret: number;
  readonly rx: string;
}

/** A request by its words, "clk enable GPUSYS", or as an MRQ and its bytes. */
export async function ask(
  backend: HostDevice,
  request: string | readonly [number, Uint8Array],
  room = 128,
): Promise<Answer> {
  const rx = new Uint8Array(room).fill(0xee);
  const { mrq, tx } =
    typeof request === 'string'
      ? parseRequestWords(request.split(' '), tegra234)
      : { mrq: request[0], tx: request[1] };
  const { ret, rxSize } = await backend.transfer(mrq, tx, rx);
  return { ret, rx: Buffer.from(rx.subarray(0, rxSize)).toString('hex') };
}
