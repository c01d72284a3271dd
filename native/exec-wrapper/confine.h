#pragma once
#include <stdbool.h>
#include <sys/types.h>

// What the program may not do once it runs. Each returns 0, or -1 with errno.

// Makes the device node unusable by its path, for this process and what it executes: in a mount namespace of its own, the
// node lies on a mount where devices cannot be opened. Needs CAP_SYS_ADMIN or user namespaces for everybody.
int gpuvm_hide_device(const char* path);

// Becomes this user with this group alone, for good.
int gpuvm_become(uid_t user, gid_t group);

// Whether this process, as it is now, could open the device: the kernel is asked, not the permission bits read.
bool gpuvm_can_open(const char* path);

// Has the kernel kill the program when the thread that started us ends; fails with ESRCH where `parent` is gone already.
int gpuvm_die_with(pid_t parent);

// Lifts the limit of locked memory, which VFIO's pinned pages count against, as far as we may.
int gpuvm_lift_memory_lock(void);
