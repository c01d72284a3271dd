/** A supervisor that keeps its VM in systemd's store, with nothing else that `gpuvm run` does. `supervised.ts run FILE`. */
import { Keeper } from '../../../src/cli/unit/keeper.js';
import { notifierFor } from '../../../src/cli/unit/notifier.js';
import { loadVmFile } from '../../../src/config/index.js';
import { ServiceManager } from '../../../src/host/systemd/index.js';
import { endings, Supervisor } from '../../../src/vm/index.js';

const manager = ServiceManager.take();
const keeper = new Keeper(manager);
const config = await loadVmFile(process.argv[3]!);
const takeOver = await keeper.taken(config.name);
const supervisor = new Supervisor(config, { handOver: true, ...(takeOver && { takeOver }) });
const notifier = notifierFor(manager, supervisor);
keeper.follow(supervisor, (problem) => console.error(problem));
supervisor.on('qemu', (qemu) => void qemu.console.output.on('data', (chunk) => process.stdout.write(chunk)));
supervisor.on('note', (note) => console.error(note));
process.on('SIGTERM', () => {
  notifier.stopping();
  supervisor.stop();
});
const report = await supervisor.run();
console.error(`gpuvm: ${report.message}`);
await notifier.close(report.message);
process.exit(report.ending === 'handed-over' ? await keeper.settled() : endings[report.ending]);
