/**
 * A supervisor process for tests: serves a bridge by the configuration in its environment, tells its keeper of all that is to
 * be kept, and hands over when it is told to (a line on stdin). Descriptor 3 is the keeper's socket.
 */
import { createInterface } from 'node:readline';
import { type BridgeConfig, startBridge } from '../../../src/bpmp/worker/index.js';
import { CaptureToDisk } from '../../../src/vm/capture-to-disk.js';
import { post } from './mail.js';

const KEEPER = 3;

const config = JSON.parse(process.env.GPUVM_TEST_CONFIG as string) as BridgeConfig;
const file = process.env.GPUVM_TEST_CAPTURE;
const capture =
  file === undefined
    ? undefined
    : new CaptureToDisk({ file, files: 100 }, { vms: [{ name: config.vm }] }, () => undefined);
try {
  await capture?.reopen();
  const handle = await startBridge(config);
  capture?.follow(handle, config.takeOver !== undefined);
  handle.on('fds-changed', () => post(KEEPER, { what: 'kept', fds: handle.fds }));
  post(KEEPER, { what: 'kept', fds: handle.fds });
  post(KEEPER, { what: 'ready', value: handle.ready.recovered });
  // A test that fails leaves nobody behind.
  process.stdin.on('close', () => process.exit(1));
  createInterface(process.stdin).on('line', (line) => {
    if (line === 'close') void handle.close();
    if (line === 'hand-over') {
      void handle.handOver().then(async ({ fds, state }) => {
        await capture?.close();
        post(KEEPER, { what: 'handed-over', fds, value: state });
        process.exit(0);
      });
    }
  });
  const ended = await handle.ended;
  if (ended.end.reason !== 'handed-over') {
    await capture?.close();
    post(KEEPER, { what: 'ended', value: ended });
    process.exit(0);
  }
} catch (error) {
  post(KEEPER, { what: 'failed', value: (error as Error).message });
  process.exit(1);
}
