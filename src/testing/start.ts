import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Supervisor, type SupervisorOptions } from '../vm/index.js';
import { followBridge } from '../vm/request-events.js';
import { dumpVm } from './dump.js';
import { type TestContext, whenTestEnds } from './runner.js';
import { configOf, type VmSource } from './source.js';
import { TestVm } from './test-vm.js';

export type { VmSource };

export interface StartOptions extends Pick<SupervisorOptions, 'record'> {
  /** The runner's context of the present test: the VM ends with it, whatever happens. Without it, call `close`. */
  readonly test?: TestContext;
  /** How long every wait takes at the most unless it says another time, in ms; 30 s by default. */
  readonly deadlineMs?: number;
  /** Where a failed test's VM is written down; GPUVM_TEST_DUMPS or a folder `gpuvm-dumps` in the temporary one by default. */
  readonly dumps?: string;
  /** Resolves when the VM runs (default), or as soon as it is on its way. */
  readonly until?: 'running' | 'started';
}

const DEADLINE_MS = 30_000;

/**
 * Starts a VM for a test. Throws GPUVM_CONFIG for what is wrong with its file or object, and what kept it from starting; of
 * a VM that did not start nothing is left.
 */
export async function startVm(source: VmSource, options: StartOptions = {}): Promise<TestVm> {
  const { test, deadlineMs = DEADLINE_MS, until = 'running', record = false } = options;
  const config = await configOf(source);
  // A test's reports are not the host's; what a journal holds is, where devices of the host are taken.
  const isOnHost = config.platformDevices.length + config.pciDevices.length > 0;
  const stateDir = isOnHost ? undefined : await mkdtemp(join(tmpdir(), 'gpuvm-test-'));
  const supervisor = new Supervisor(config, { record, ...(stateDir && { stateDir }) });
  supervisor.on('bridge', (bridge) =>
    followBridge(bridge, (event, fields) => supervisor.record(event, fields)),
  );
  const vm = new TestVm(supervisor, deadlineMs);
  const tidy = async () => {
    await vm.ended.catch(() => undefined);
    if (stateDir) await rm(stateDir, { recursive: true, force: true });
  };
  void tidy();
  if (test) whenTestEnds(test, (failed) => finish(vm, failed, options));
  try {
    if (until === 'running') await Promise.race([vm.waitForState('running'), vm.ended]);
  } catch (error) {
    await vm.close();
    throw error;
  }
  return vm;
}

/** Runs `body` with a VM that ends with it, and writes the VM down where `body` throws. */
export async function withVm<T>(
  source: VmSource,
  body: (vm: TestVm) => Promise<T>,
  options: Omit<StartOptions, 'test'> = {},
): Promise<T> {
  const vm = await startVm(source, options);
  let failed = true;
  try {
    const result = await body(vm);
    failed = false;
    return result;
  } finally {
    await finish(vm, failed, options);
  }
}

async function finish(vm: TestVm, failed: boolean, { dumps }: StartOptions): Promise<void> {
  try {
    if (failed) {
      const parent = dumps ?? process.env.GPUVM_TEST_DUMPS ?? join(tmpdir(), 'gpuvm-dumps');
      process.stderr.write(`gpuvm: what is known of ${vm.name} is in ${await dumpVm(vm, parent)}\n`);
    }
  } catch (error) {
    process.stderr.write(`gpuvm: ${vm.name} could not be written down: ${(error as Error).message}\n`);
  } finally {
    await vm.close();
  }
}
