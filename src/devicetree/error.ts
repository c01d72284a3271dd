import { GpuvmError } from '../errors.js';

/**
 * GPUVM_DEVICE_TREE; `file` where it is known which file the tree came from, `offset` where in a blob it is, in bytes.
 * The offset is in the message and, for programs, in `details.offset`.
 */
export function treeError(message: string, file?: string, offset?: number): GpuvmError {
  return new GpuvmError(
    'GPUVM_DEVICE_TREE',
    offset === undefined ? message : `${message} (at byte ${offset})`,
    {
      ...(file === undefined ? {} : { place: { file } }),
      details: offset === undefined ? {} : { offset },
    },
  );
}
