/**
 * The include directory of Linux 7.2's headers. These tests hold our tables against the kernel's own text, for whoever
 * changes one or moves to a newer kernel; vitest.config.ts leaves them out where the variable is not set.
 */
export const kernelInclude = process.env.GPUVM_KERNEL_INCLUDE ?? '';
