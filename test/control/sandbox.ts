import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ControlledVm, type ControlServer, serveControl } from '../../src/control/index.js';

/** A folder of control sockets, and the servers on them, for one test. */
export class Sandbox {
  readonly folder = mkdtempSync(join(tmpdir(), 'gpuvm-control-'));
  readonly env = { GPUVM_RUNTIME_DIR: this.folder };
  readonly #servers: ControlServer[] = [];

  path(name: string): string {
    return join(this.folder, `${name}.sock`);
  }

  async serve(vm: ControlledVm, options: { path?: string; group?: string | number; mode?: number } = {}) {
    const server = await serveControl(vm, { path: this.path(vm.name), ...options });
    this.#servers.push(server);
    return server;
  }

  async clear(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
