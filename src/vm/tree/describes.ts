import type { VmConfig } from '../../config/index.js';

export interface DescribeOptions {
  /** Where /sys and /proc of the host are. Default: `/`. */
  readonly sysroot?: string | undefined;
  /** A blob with the host's tree, in the place of the VM file's and the sysroot's. */
  readonly hostTree?: string | undefined;
}

/** Whether the VM's platform devices are put into its tree: they are, where that is not somebody else's. */
export function describesDevices({ platformDevices, dtb, bridge, deviceTree }: VmConfig): boolean {
  return (
    platformDevices.length > 0 && dtb === undefined && bridge.kind !== 'none' && deviceTree.describeDevices
  );
}
