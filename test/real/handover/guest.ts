/**
 * A guest of the interposed bridge: asks without a pause, one request after the other, checks every answer, and prints what it
 * saw. Arguments: the device, a file whose appearance ends it, and one to which it writes how far it is.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { HostDevice } from '../../../src/bpmp/backend/index.js';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { parseRequestWords } from '../../../src/bpmp/wire/index.js';

const [path, stopFile, progressFile] = process.argv.slice(2);
const device = HostDevice.open(path, { blocking: true });
const rx = new Uint8Array(64);
const view = new DataView(rx.buffer);
const EIO = -5;

const tally = { pings: 0, i2c: 0, i2cRefused: 0, rates: 0, wrong: [] as string[], longestMs: 0 };

function ask(mrq: number, tx: Uint8Array): number {
  rx.fill(0);
  const start = performance.now();
  const { ret } = device.transfer(mrq, tx, rx) as { ret: number };
  tally.longestMs = Math.max(tally.longestMs, performance.now() - start);
  return ret;
}
const words = (text: string) => parseRequestWords(text.split(' '), tegra234);
const wrong = (what: string) => tally.wrong.length < 20 && tally.wrong.push(what);

// What must be given back at the end, once, to what it was before the first supervisor.
for (const held of ['clk enable GPUSYS', 'pg set-state GPU on', 'clk set-rate GPC0CLK 900000000']) {
  const { mrq, tx } = words(held);
  if (ask(mrq, tx) !== 0) wrong(held);
}
const ping = words('ping 1');
const i2c = new Uint8Array(12 + 8);
const i2cView = new DataView(i2c.buffer);
i2cView.setUint32(0, 1, true);
i2cView.setUint32(4, 5, true);
i2cView.setUint32(8, 8, true);
i2cView.setUint16(12, 0x3c, true);
i2cView.setUint16(16, 2, true);
const rates = [words('clk set-rate GPC0CLK 600000000'), words('clk set-rate GPC0CLK 900000000')];

for (let i = 1; ; i++) {
  if (i % 64 === 0) {
    if (existsSync(stopFile)) break;
    if (progressFile !== undefined) writeFileSync(progressFile, String(i));
  }
  new DataView(ping.tx.buffer, ping.tx.byteOffset).setUint32(0, i, true);
  if (ask(ping.mrq, ping.tx) !== 0 || view.getUint32(0, true) !== (i << 1) >>> 0) wrong(`ping ${i}`);
  tally.pings++;
  const rate = rates[i % 2];
  const ret = ask(rate.mrq, rate.tx);
  const want = i % 2 === 0 ? 599_250_000 : 892_500_000;
  if (ret !== 0 || Number(view.getBigInt64(0, true)) !== want)
    wrong(`rate ${i}: ${ret} ${view.getBigInt64(0, true)}`);
  tally.rates++;
  if (i % 4 !== 0) continue;
  i2c[18] = 7;
  i2c[19] = i;
  const transferred = ask(21, i2c);
  if (transferred === EIO) tally.i2cRefused++;
  else if (transferred !== 0) wrong(`i2c ${i}: ${transferred}`);
  tally.i2c++;
}
process.stdout.write(JSON.stringify(tally));
