/**
 * A supervisor process for tests: serves a bridge by the configuration in its environment, tells its keeper of all that is to
 * be kept, and hands over when it is told to (a line on stdin). Descriptor 3 is the keeper's socket.
 */
import { createInterface } from 'node:readline';
import { type BridgeConfig, startBridge } from '../../../src/bpmp/worker/index.js';
import { post } from './mail.js';

const KEEPER = 3;

const config = JSON.parse(process.env.GPUVM_TEST_CONFIG as string) as BridgeConfig;
try {
  const handle = await startBridge(config);
  handle.on('fds-changed', () => post(KEEPER, { what: 'kept', fds: handle.fds }));
  post(KEEPER, { what: 'kept', fds: handle.fds });
  post(KEEPER, { what: 'ready', value: handle.ready.recovered });
  // A test that fails leaves nobody behind.
  process.stdin.on('close', () => process.exit(1));
  createInterface(process.stdin).on('line', (line) => {
    if (line === 'close') void handle.close();
    if (line === 'hand-over') {
      void handle.handOver().then(({ fds, state }) => {
        post(KEEPER, { what: 'handed-over', fds, value: state });
        process.exit(0);
      });
    }
  });
  const ended = await handle.ended;
  if (ended.end.reason !== 'handed-over') {
    post(KEEPER, { what: 'ended', value: ended });
    process.exit(0);
  }
} catch (error) {
  post(KEEPER, { what: 'failed', value: (error as Error).message });
  process.exit(1);
}
