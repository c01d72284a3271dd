import { nativeProgram } from '../../../native/index.js';

export interface WrapperOptions {
  /** The number that the wrapper's end of the socket pair has in the child: its place in `stdio`. */
  readonly socketFd: number;
  /** Behave as a kernel before 5.19: signals interrupt a call that is being answered. */
  readonly oldKernel?: boolean;
}

/** The command line that starts a program behind the interposed bridge. */
export function wrapCommand(
  program: string,
  args: readonly string[],
  { socketFd, oldKernel = false }: WrapperOptions,
): { file: string; args: string[] } {
  return {
    file: nativeProgram('gpuvm-exec'),
    args: ['--socket', String(socketFd), ...(oldKernel ? ['--old-kernel'] : []), '--', program, ...args],
  };
}
