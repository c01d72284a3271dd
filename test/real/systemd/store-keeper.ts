/**
 * The least that can hand a VM over: starts a QEMU whose console is a socket, leaves the socket in systemd's store, and
 * prints what the guest says. Started again, it goes on with what the store has.
 */
import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { ServiceManager } from '../../../src/host/systemd/index.js';
import { addon } from '../../../src/native/index.js';

const HANDED_OVER = 80;
const manager = ServiceManager.take();
const received = manager.receivedFds();
const fd = received.find(({ name }) => name === 'console')?.fd ?? begin(process.argv[3]!);
// Again where it is there already: systemd keeps one.
await manager.store([{ name: 'console', fd }]);

const console = new Socket({ fd });
console.on('data', (chunk) => void process.stdout.write(chunk));
process.on('SIGUSR2', () => {
  // What was read is printed first: the journal may be slow to take it.
  console.pause();
  process.stdout.write('', () => process.exit(HANDED_OVER));
});
await manager.notify({ ready: true, status: received.length > 0 ? 'took over' : 'began' });
const intervalMs = manager.watchdogIntervalMs();
if (intervalMs !== undefined) setInterval(() => void manager.notify({ watchdog: true }), intervalMs / 3);

function begin(image: string): number {
  const [ours, theirs] = addon().socketPair();
  const args = ['-name', 'counting', '-machine', 'pc', '-m', '16M', '-display', 'none', '-monitor', 'none'];
  const disk = ['-drive', `file=${image},format=raw,if=ide`, '-serial', 'stdio'];
  spawn('qemu-system-x86_64', [...args, ...disk], { stdio: [theirs, theirs, 'inherit'], detached: true });
  addon().closeFd(theirs);
  return ours;
}
