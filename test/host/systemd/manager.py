"""A service manager's side of the notification socket: a line of JSON for each datagram, on standard output.

manager.py NAME [closed | slow]: NAME is a path, or starts with "@". Descriptors are reported by what they are, and closed, which is
also the answer to a barrier. "slow" reads nothing until a line comes on standard input.
"""
import array, json, os, socket, sys

name = sys.argv[1]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
listener.bind("\0" + name[1:] if name.startswith("@") else name)
print(json.dumps({"listening": name}), flush=True)
if sys.argv[2:] == ["slow"]:
    sys.stdin.readline()
while True:
    data, ancillary, _, _ = listener.recvmsg(65536, 4096)
    fds, pid = [], None
    for level, kind, value in ancillary:
        if kind == socket.SCM_RIGHTS:
            numbers = array.array("i")
            numbers.frombytes(value[: len(value) - len(value) % numbers.itemsize])
            fds.extend(numbers)
        elif kind == socket.SCM_CREDENTIALS:
            pid = int.from_bytes(value[:4], sys.byteorder)
    kinds = [os.readlink(f"/proc/self/fd/{fd}") for fd in fds]
    for fd in fds:
        os.close(fd)
    print(json.dumps({"text": data.decode(), "fds": kinds, "pid": pid}), flush=True)
