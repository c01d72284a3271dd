/** The host kernel's BPMP proxy (`/dev/bpmp-host`): native/host_device.cc. */
export interface HostDeviceAddon {
  /**
   * Makes one transfer on the calling thread, which blocks for as long as the firmware takes, and copies the reply
   * into `rx`. `result` becomes [errno or 0, the firmware's ret, size of the reply, form], where the form is 0 not
   * known yet, 1 ioctl, 2 write; it is read too, so keep one `result` per descriptor and the form is found out once.
   * Payloads are at most 512 bytes; a larger one throws a RangeError.
   */
  hostDeviceTransfer(fd: number, mrq: number, tx: Uint8Array, rx: Uint8Array, result: Int32Array): void;
  /**
   * Starts a thread that makes transfers on `fd`, one after the other, and returns the socket to talk to it by.
   * A request is u32 mrq, u32 size, u32 room for the reply, and its bytes; a reply is i32 errno, ret, size, form,
   * and its bytes. The thread owns `fd` from then on; it ends, and closes it, when the socket is closed.
   */
  hostDeviceServe(fd: number): number;
}
