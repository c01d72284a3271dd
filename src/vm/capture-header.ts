import { arch, release, type } from 'node:os';
import type { WriterOptions } from '../bpmp/capture/index.js';
import type { VmConfig } from '../config/index.js';
import { version } from './version.js';

/** What a capture of one VM says of itself. */
export function captureHeader(vm: string, description: string): WriterOptions {
  return {
    program: `gpuvm ${version}`,
    hardware: arch(),
    os: `${type()} ${release()}`,
    vms: [{ name: vm, description }],
  };
}

export function headerOf({ name, policy, backend, bridge }: VmConfig): WriterOptions {
  const how = `bridge ${bridge.kind}, backend ${backend.kind}`;
  return captureHeader(name, policy === undefined ? how : `${how}, policy ${policy}`);
}
