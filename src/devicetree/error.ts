import { GpuvmError } from '../errors.js';

/** GPUVM_DEVICE_TREE; `file` where it is known which file the tree came from. */
export function treeError(message: string, file?: string): GpuvmError {
  return new GpuvmError(
    'GPUVM_DEVICE_TREE',
    message,
    file === undefined ? { details: {} } : { place: { file } },
  );
}
