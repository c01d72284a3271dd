import type { Mistake, YamlDocument } from '../document.js';
import type { VmFile } from '../schema/index.js';
import { captureContradictions } from './capture.js';
import { Complaints } from './complain.js';
import { deviceContradictions } from './devices.js';
import { lifecycleContradictions } from './lifecycle.js';
import { machineContradictions } from './machine.js';
import { memoryContradictions } from './memory.js';
import { metricsContradictions } from './metrics.js';
import { networkContradictions } from './network.js';
import { storageContradictions } from './storage.js';

/** What does not go together in a VM file whose values are right one by one; its paths are resolved. */
export function contradictions(config: VmFile, document: YamlDocument): Mistake[] {
  const complaints = new Complaints(config, document);
  machineContradictions(complaints);
  memoryContradictions(complaints);
  storageContradictions(complaints);
  networkContradictions(complaints);
  metricsContradictions(complaints);
  captureContradictions(complaints);
  deviceContradictions(complaints);
  lifecycleContradictions(complaints);
  return complaints.mistakes;
}
