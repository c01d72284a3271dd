/** The VM file: what `gpuvm run` is given. */
export { readChecked } from './checked.js';
export type { KeyPath } from './document.js';
export { vmFileJsonSchema } from './json-schema.js';
export { loadVmFile, type ParseOptions, parseVmFile } from './load.js';
export { cacheFolder, runtimeFolder } from './paths.js';
export { type PlaceOf, placesIn } from './place-of.js';
export { readText } from './read-text.js';
export { cpuCount, parseCpuList } from './schema/cpu.js';
export { parsePciAddress } from './schema/devices.js';
export { vmFileSchema } from './schema/index.js';
export type { Forward } from './schema/network.js';
export { address, count, regionSize, text } from './schema/values.js';
export type * from './vm-config.js';
