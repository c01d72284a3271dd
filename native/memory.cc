#include "memory.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace gpuvm {
namespace {

// A VMM has some dozens of threads and a helper process or two; one that makes more only loses speed.
constexpr size_t kMaxThreads = 256;
constexpr size_t kMaxProcesses = 16;

}  // namespace

TaskMemory::~TaskMemory() {
  for (const Process& process : processes_) close(process.fd);
}

int TaskMemory::Read(pid_t thread, uint64_t address, void* into, size_t length) {
  return Transfer(thread, address, into, length, false);
}

int TaskMemory::Write(pid_t thread, uint64_t address, const void* from, size_t length) {
  return Transfer(thread, address, const_cast<void*>(from), length, true);
}

int TaskMemory::Transfer(pid_t thread, uint64_t address, void* bytes, size_t length, bool write) {
  // The offset of pread is signed; user addresses are below that on both architectures.
  if (address > INT64_MAX) return EFAULT;
  const off_t offset = static_cast<off_t>(address);
  for (int attempt = 0; attempt < 2; attempt++) {
    int fd = DescriptorOf(thread);
    if (fd < 0) break;
    ssize_t done = write ? pwrite(fd, bytes, length, offset) : pread(fd, bytes, length, offset);
    if (done == static_cast<ssize_t>(length)) return 0;
    // 0: that address space is gone, the process has executed another program or its number is another's now.
    if (done != 0) return EFAULT;
    Forget(thread);
  }
  iovec local = {bytes, length};
  iovec remote = {reinterpret_cast<void*>(address), length};
  ssize_t done = write ? process_vm_writev(thread, &local, 1, &remote, 1, 0)
                       : process_vm_readv(thread, &local, 1, &remote, 1, 0);
  if (done == static_cast<ssize_t>(length)) return 0;
  return done < 0 ? errno : EFAULT;
}

int TaskMemory::DescriptorOf(pid_t thread) {
  if (thread == last_thread_) return last_fd_;
  pid_t process = ProcessOf(thread);
  int fd = -1;
  for (const Process& known : processes_) {
    if (known.id == process) fd = known.fd;
  }
  if (fd < 0) fd = Open(process);
  if (fd >= 0) {
    last_thread_ = thread;
    last_fd_ = fd;
  }
  return fd;
}

int TaskMemory::Open(pid_t process) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/mem", process);
  int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd >= 0) Adopt(process, fd);
  return fd;
}

void TaskMemory::Adopt(pid_t process, int fd) {
  if (processes_.size() < kMaxProcesses) {
    processes_.push_back({process, fd});
    return;
  }
  Process& oldest = processes_[next_process_];
  next_process_ = (next_process_ + 1) % kMaxProcesses;
  if (last_fd_ == oldest.fd) last_thread_ = 0;
  close(oldest.fd);
  oldest = {process, fd};
}

pid_t TaskMemory::ProcessOf(pid_t thread) {
  for (const Thread& known : threads_) {
    if (known.id == thread) return known.process;
  }
  pid_t process = thread;
  char text[512];
  std::snprintf(text, sizeof text, "/proc/%d/status", thread);
  int fd = open(text, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    text[length > 0 ? length : 0] = '\0';
    const char* line = std::strstr(text, "\nTgid:");
    if (line != nullptr) process = std::atoi(line + 6);
  }
  if (threads_.size() < kMaxThreads) {
    threads_.push_back({thread, process});
  } else {
    threads_[next_thread_] = {thread, process};
    next_thread_ = (next_thread_ + 1) % kMaxThreads;
  }
  return process;
}

void TaskMemory::Forget(pid_t thread) {
  pid_t process = ProcessOf(thread);
  for (size_t i = 0; i < processes_.size();) {
    if (processes_[i].id == process) {
      close(processes_[i].fd);
      processes_.erase(processes_.begin() + static_cast<ptrdiff_t>(i));
    } else {
      i++;
    }
  }
  for (size_t i = 0; i < threads_.size();) {
    if (threads_[i].id == thread || threads_[i].process == process) {
      threads_.erase(threads_.begin() + static_cast<ptrdiff_t>(i));
    } else {
      i++;
    }
  }
  next_thread_ = next_process_ = 0;
  last_thread_ = 0;
  last_fd_ = -1;
}

std::vector<std::pair<pid_t, int>> TaskMemory::Kept() const {
  std::vector<std::pair<pid_t, int>> kept;
  for (const Process& process : processes_) kept.emplace_back(process.id, process.fd);
  return kept;
}

}  // namespace gpuvm
