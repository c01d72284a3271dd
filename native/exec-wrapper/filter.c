#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "gpuvm-exec knows x86-64 and arm64 only"
#endif

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
// Both targets are little-endian: the low half of an argument comes first.
#define LOAD_LOW(argument) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[argument]))
#define LOAD_HIGH(argument) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[argument]) + 4)
#define AND(mask) BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask)
// Goes on with the next statement where the accumulator equals `value`, else skips `otherwise` statements.
#define UNLESS_EQUAL_SKIP(value, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, otherwise)
#define UNLESS_AT_LEAST_SKIP(value, otherwise) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, value, 0, otherwise)
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)

// The flags that tell "open this existing thing for reading and writing" from all other opens. A VMM has few of
// those; its firmware, libraries, sockets and logs are opened otherwise and are never held up.
#define OPEN_FLAGS (O_ACCMODE | O_CREAT | O_DIRECTORY | O_PATH | O_TRUNC | O_EXCL)

static struct sock_filter program[] = {
    // A call through another architecture's table (int 0x80 on x86, a 32-bit program on arm64) has other numbers,
    // so that none of the rules below would see it. No VMM makes one.
    LOAD(arch),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0),
    RETURN(SECCOMP_RET_KILL_PROCESS),

    LOAD(nr),
#if defined(__x86_64__)
    // The x32 calls come with the native architecture and bit 30 set: the same calls by other numbers. Answered as
    // by a kernel that has none.
    UNLESS_AT_LEAST_SKIP(0x40000000, 1),
    RETURN(SECCOMP_RET_ERRNO | ENOSYS),
#endif

    // write(stand-in, message, 48) is a transfer. The kernel takes 32 bits of the descriptor and ignores the upper
    // half of its register, so only the lower half may decide. The count has 64 bits, so both halves must.
    // Every other way to write to the stand-in (another count, writev, pwrite64, sendfile, io_uring, a duplicate of
    // the descriptor) reaches the stand-in itself, which is open for reading only: EBADF.
    UNLESS_EQUAL_SKIP(SYS_write, 8),
    LOAD_LOW(0),
    UNLESS_EQUAL_SKIP(GPUVM_STAND_IN_FD, 5),
    LOAD_LOW(2),
    UNLESS_EQUAL_SKIP(GPUVM_MESSAGE_SIZE, 3),
    LOAD_HIGH(2),
    UNLESS_EQUAL_SKIP(0, 1),
    RETURN(SECCOMP_RET_USER_NOTIF),
    RETURN(SECCOMP_RET_ALLOW),

    // openat(directory, path, flags): flags are an int, so the lower half is all of it. openat2 keeps its flags in
    // memory, where no filter can look: the real device must be out of the VMM's reach by permission (docs/bridges.md).
    UNLESS_EQUAL_SKIP(SYS_openat, 5),
    LOAD_LOW(2),
    AND(OPEN_FLAGS),
    UNLESS_EQUAL_SKIP(O_RDWR, 1),
    RETURN(SECCOMP_RET_USER_NOTIF),
    RETURN(SECCOMP_RET_ALLOW),

#if defined(SYS_open)
    // open(path, flags), which only x86 has.
    UNLESS_EQUAL_SKIP(SYS_open, 5),
    LOAD_LOW(1),
    AND(OPEN_FLAGS),
    UNLESS_EQUAL_SKIP(O_RDWR, 1),
    RETURN(SECCOMP_RET_USER_NOTIF),
    RETURN(SECCOMP_RET_ALLOW),
#endif

    // All else is untouched: 20 to 40 ns a call.
    RETURN(SECCOMP_RET_ALLOW),
};

static int install(unsigned long flags) {
  struct sock_fprog filter = {.len = sizeof program / sizeof program[0], .filter = program};
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
}

int gpuvm_install_filter(bool* wait_killable) {
  if (*wait_killable) {
    int listener = install(SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
    if (listener >= 0 || errno != EINVAL) return listener;
    *wait_killable = false;
  }
  return install(SECCOMP_FILTER_FLAG_NEW_LISTENER);
}
