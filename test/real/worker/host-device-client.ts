/** Uses the BPMP host device through the addon, as `gpuvm bpmp send --device` does, and prints what came back. */
import { HostDevice } from '../../../src/bpmp/backend/index.js';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { parseRequestWords } from '../../../src/bpmp/wire/index.js';

const [path, mode, ...requests] = process.argv.slice(2);
const device = HostDevice.open(path, { blocking: mode === 'blocking' });
const answers = [];
for (const words of requests) {
  const { mrq, tx } = parseRequestWords(words.split(' '), tegra234);
  const rx = new Uint8Array(128);
  const { ret, rxSize } = await device.transfer(mrq, tx, rx);
  answers.push({ words, ret, rx: Buffer.from(rx.subarray(0, rxSize)).toString('hex') });
}
console.log(JSON.stringify({ answers, stats: device.stats() }));
device.close();
