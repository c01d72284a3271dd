import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bootSector } from '../boot-sector.js';
import { bundledCommands } from './commands.js';
import { pause, type SystemdContainer } from './container.js';

const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/** A program of the tests that is TypeScript, as a command line. */
export function typescript(file: string): string[] {
  return [process.execPath, '--import', loader, resolve(import.meta.dirname, file)];
}

const UNITS = '/etc/systemd/system';

/** A VM as a service of a container: its file, the unit that gpuvm makes of it, and what systemd says of it. */
export class VmService {
  readonly name: string;
  readonly unit: string;
  readonly file: string;
  readonly #container: SystemdContainer;

  private constructor(container: SystemdContainer, name: string) {
    this.#container = container;
    this.name = name;
    this.unit = `gpuvm-${name}.service`;
    this.file = join(container.share, `${name}.yaml`);
  }

  /** Writes the VM file (the end of `text` goes after what every quick x86 guest has), and installs its unit. */
  static async install(
    container: SystemdContainer,
    name: string,
    text: string,
    directives: readonly string[] = [],
  ): Promise<VmService> {
    const service = new VmService(container, name);
    writeFileSync(join(container.share, 'boot.img'), bootSector());
    const qemu = text.startsWith('qemu:') ? '' : 'qemu: { binary: qemu-system-x86_64 }\n';
    writeFileSync(service.file, `name: ${name}\n${qemu}${text}`);
    await container.get(process.execPath, await bundledCommands(), 'unit', service.file, '--install', UNITS);
    if (directives.length > 0) {
      const more = `[Service]\n${directives.join('\n')}\n`;
      await container.get('mkdir', '-p', `${UNITS}/${service.unit}.d`);
      writeFileSync(join(container.share, 'more.conf'), more);
      await container.get('cp', join(container.share, 'more.conf'), `${UNITS}/${service.unit}.d/`);
    }
    // A unit that nobody refers to is forgotten, with how it ended, as soon as it is down.
    await container.get('systemctl', 'add-wants', 'container.target', service.unit);
    await container.get('systemctl', 'daemon-reload');
    return service;
  }

  systemctl(verb: string, ...more: string[]) {
    return this.#container.run('systemctl', verb, this.unit, ...more);
  }

  show(...properties: string[]): Promise<Record<string, string>> {
    return this.#container.show(this.unit, ...properties);
  }

  journal(): Promise<string> {
    return this.#container.journal(this.unit);
  }

  async property(name: string): Promise<string> {
    return (await this.show(name))[name] ?? '';
  }

  /** Waits until a property is what is wanted; throws with the service's journal where that takes too long. */
  async until(name: string, wanted: RegExp | string, deadlineMs = 60_000): Promise<string> {
    const end = performance.now() + deadlineMs;
    for (;;) {
      const value = await this.property(name);
      if (typeof wanted === 'string' ? value === wanted : wanted.test(value)) return value;
      if (performance.now() > end)
        throw new Error(`${this.unit}: ${name} is ${value}, not ${wanted}\n${await this.journal()}`);
      await pause(100);
    }
  }

  /** The JSON of a command of gpuvm that is asked inside of this VM, or with `ps` of all. */
  async gpuvm(command: string, ...more: string[]): Promise<unknown> {
    const words = command === 'ps' ? [command] : [command, this.name];
    return JSON.parse(
      await this.#container.get(process.execPath, await bundledCommands(), ...words, ...more, '--json'),
    );
  }

  /** QEMU's processes of this VM, as the container counts. */
  async qemus(): Promise<number[]> {
    // Its first word may be a loader of shared libraries.
    const { stdout } = await this.#container.run(
      'pgrep',
      '-f',
      `^[^ ]*/?(qemu-system|ld-linux).* -name ${this.name} `,
    );
    return stdout.trim().split('\n').filter(Boolean).map(Number);
  }
}
