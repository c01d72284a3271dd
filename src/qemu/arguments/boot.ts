import type { ArgumentContext } from './context.js';
import { option, options } from './option.js';

export function firmwareArguments({ config: { firmware }, path }: ArgumentContext): string[] {
  if (firmware === undefined) return [];
  if (typeof firmware === 'string') return ['-bios', path(firmware)];
  const { code, vars, format } = firmware;
  const flash = (unit: number, file: string, readonly?: boolean) =>
    options('', { if: 'pflash', unit, format, readonly, file: path(file) });
  return ['-drive', flash(0, code, true), '-drive', flash(1, vars)];
}

export function kernelArguments({ config: { kernel, initrd }, path }: ArgumentContext): string[] {
  return [
    ...option('-kernel', kernel === undefined ? undefined : path(kernel)),
    ...option('-initrd', initrd === undefined ? undefined : path(initrd)),
  ];
}
