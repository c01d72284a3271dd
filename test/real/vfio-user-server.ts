/** A bridge in a process of its own, for tests that kill it: socket path and layout as arguments. */

import { VfioUserBridge, type WindowLayout } from '../../src/bpmp/bridge/vfio-user/index.js';
import { invert } from '../support/invert.js';

const [socketPath, layout] = process.argv.slice(2) as [string, WindowLayout];
const bridge = new VfioUserBridge({
  socketPath,
  layout,
  handler: { handle: invert, malformed: () => ({ ret: -22, rxSize: 0 }) },
});
await bridge.listening;
console.log('listening');
await bridge.serve();
