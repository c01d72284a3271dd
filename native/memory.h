#pragma once
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace gpuvm {

// The memory of the tasks behind one listener.
//
// /proc/<pid>/mem is opened at a process's first notification and kept: it goes on working after the process dropped
// its privileges, when neither a new open nor process_vm_readv would. All threads of a process share one descriptor.
// process_vm_readv and process_vm_writev stand in where it cannot be opened.
//
// Which process a thread belongs to is looked up once. A thread number that the kernel gives to another process
// while the first still lives would find the first one's memory; both are the same guest's.
class TaskMemory {
 public:
  TaskMemory() = default;
  ~TaskMemory();
  TaskMemory(const TaskMemory&) = delete;
  TaskMemory& operator=(const TaskMemory&) = delete;

  // All `length` bytes: 0, or EFAULT where any of them is not mapped, or why the memory cannot be reached.
  int Read(pid_t thread, uint64_t address, void* into, size_t length);
  int Write(pid_t thread, uint64_t address, const void* from, size_t length);

  // The descriptors kept, by process, and one passed on by a former owner.
  std::vector<std::pair<pid_t, int>> Kept() const;
  void Adopt(pid_t process, int fd);

 private:
  struct Thread {
    pid_t id;
    pid_t process;
  };
  struct Process {
    pid_t id;
    int fd;
  };

  int Transfer(pid_t thread, uint64_t address, void* bytes, size_t length, bool write);
  int DescriptorOf(pid_t thread);
  int Open(pid_t process);
  pid_t ProcessOf(pid_t thread);
  void Forget(pid_t thread);

  std::vector<Thread> threads_;
  std::vector<Process> processes_;
  size_t next_thread_ = 0;
  size_t next_process_ = 0;
  // The last thread served: nearly always the next one too.
  pid_t last_thread_ = 0;
  int last_fd_ = -1;
};

}  // namespace gpuvm
