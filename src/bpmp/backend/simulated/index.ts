export { ModelMemory } from './model-memory.js';
export type { Fault, SimulatedOptions, ThermalZoneOptions } from './options.js';
export { SimulatedBpmp } from './simulated-bpmp.js';
export type { ClockState, Difference, SimulatedState } from './state.js';
