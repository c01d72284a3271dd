const reasons: Readonly<Record<string, string>> = {
  EPERM:
    "the proxy's own allow-list has not got it: see allowed-clocks, allowed-resets and allowed-power-domains of its node in the host's tree",
  ENODEV: 'it has no BPMP, or the device is gone',
  EINVAL: 'the kernel takes no such message; a request and its reply have at most 120 bytes each',
  EIO: 'it failed, or took only a part of the message',
  EFAULT: 'it could not read or write the message',
  EOVERFLOW: 'the reply is larger than the room for it',
  ETIMEDOUT: 'the firmware gave no answer in time',
  EBUSY: 'it is busy',
  EAGAIN: 'it is busy',
};

/** One line for people, for what a driver answers in the firmware's place. */
export function describeRefusal(path: string, error: string): string {
  return `the driver of ${path} answered ${error}, and not the firmware${reasons[error] ? `: ${reasons[error]}` : ''}`;
}
