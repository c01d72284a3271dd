import type { SerialPort, VmConfig } from '../../config/index.js';
import type { ArgumentContext } from './context.js';
import { options } from './option.js';

/** The id of the character device that the supervisor's console is. */
export const CONSOLE = 'console';

/** The ports that the file lists; where it lists none, the supervisor adds its console. */
export function serialArguments(context: ArgumentContext): string[] {
  return (context.config.serial ?? []).flatMap((port, index) => {
    if (port.kind === 'console') return ['-serial', `chardev:${CONSOLE}`];
    const id = `serial${index}`;
    return ['-chardev', chardev(port, id, context), '-serial', `chardev:${id}`];
  });
}

function chardev(port: Exclude<SerialPort, { kind: 'console' }>, id: string, { path }: ArgumentContext) {
  switch (port.kind) {
    case 'file':
      return options('file', { id, path: path(port.path) });
    case 'unix':
      return options('socket', { id, path: path(port.path), server: true, wait: false });
    case 'device':
      return options('serial', { id, path: path(port.path) });
    case 'pty':
    case 'null':
      return options(port.kind, { id });
  }
}

/**
 * Whether QEMU itself makes the first serial port of its standard input and output: that is what -nographic does where
 * default devices are wanted and no port is named.
 */
export function takesStdio({ display, defaults, serial }: VmConfig): boolean {
  return display === 'nographic' && defaults && serial === undefined;
}

/** Whether the supervisor is to make the console, and to plug it in too. */
export function consoleNeeds(config: VmConfig): { chardev: boolean; port: boolean } {
  if (takesStdio(config)) return { chardev: false, port: false };
  const { serial } = config;
  if (serial === undefined) return { chardev: true, port: true };
  return { chardev: serial.some(({ kind }) => kind === 'console'), port: false };
}
