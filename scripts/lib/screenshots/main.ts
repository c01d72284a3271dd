import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SimulatedBpmp } from '../../../src/bpmp/backend/index.js';
import { readCapture } from '../../../src/bpmp/capture/index.js';
import { loadPolicy } from '../../../src/bpmp/policy/index.js';
import { compileFor } from '../../../src/bpmp/replay/index.js';
import { ControlClient } from '../../../src/control/index.js';
import { withBrowser } from './chromium.js';
import { photographReport } from './report.js';
import { photographTerminal } from './terminal.js';
import { terminalPictures } from './top.js';
import { BusyVm } from './vm.js';

/** The guest is at work for so long first: rates over a minute are to have a minute. */
const WARM_UP_MS = 65_000;
/** Pages pull these in over the network. */
const MOST_BYTES = 150_000;

/** The one that the VM has. */
const POLICY = fileURLToPath(new URL('../../../examples/policies/gpu.yaml', import.meta.url));
const folder = fileURLToPath(new URL('../../../docs/images/', import.meta.url));
const wanted = new Set(process.argv.slice(2));
const isWanted = (name: string) => wanted.size === 0 || [...wanted].some((word) => name.startsWith(word));

function told(name: string, bytes: number): void {
  console.log(`  docs/images/${name}.png`.padEnd(60), `${(bytes / 1000).toFixed(0)} kB`.padStart(7));
  if (bytes > MOST_BYTES) {
    console.error(`error: ${name}.png is larger than ${MOST_BYTES / 1000} kB`);
    process.exitCode = 1;
  }
}

async function main(): Promise<void> {
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(tmpdir(), 'gpuvm-screenshots-'));
  const vm = await BusyVm.start(work);
  try {
    await sleep(WARM_UP_MS);
    await withBrowser(async (browser) => {
      for (const picture of terminalPictures.filter(({ name }) => isWanted(name)))
        told(picture.name, await photographTerminal(browser, picture, folder, vm.env));
    });
    if (isWanted('report')) {
      const client = new ControlClient({ path: join(vm.env.GPUVM_RUNTIME_DIR!, `${vm.name}.sock`) });
      const transfers = readCapture(await client.capture());
      const policy = await compileFor(await loadPolicy(POLICY), new SimulatedBpmp());
      const sizes = await photographReport(transfers, folder, {
        title: vm.name,
        source: vm.name,
        fixOf: (mrq, tx) => policy.explain(mrq, tx).fix,
      });
      for (const [name, bytes] of Object.entries(sizes)) told(name, bytes);
    }
  } finally {
    await vm.stop();
    await rm(work, { recursive: true, force: true });
  }
}

await main();
