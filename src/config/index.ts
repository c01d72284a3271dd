/** The VM file: what `gpuvm run` is given. */
export { loadVmFile, type ParseOptions, parseVmFile } from './load.js';
export { cacheFolder } from './paths.js';
export { vmFileSchema } from './schema.js';
export type { BackendChoice, BridgeChoice, StopTimes, VmConfig } from './vm-config.js';
