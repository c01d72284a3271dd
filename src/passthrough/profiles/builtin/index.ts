import type { DeviceProfile } from '../profile.js';
import { dce, display } from './display.js';
import { nvdec, nvjpg, vic } from './engines.js';
import { gpu } from './gpu.js';
import { host1x } from './host1x.js';
import { mgbe, uart } from './peripherals.js';

/** Those of the reference VM first, in its order. */
export const builtinProfiles: readonly DeviceProfile[] = [
  gpu,
  host1x,
  vic,
  nvdec,
  nvjpg,
  dce,
  display,
  mgbe,
  uart,
];
