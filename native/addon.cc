// The addon's door: each kernel interface registers what it offers. src/native/addon.ts holds the types of all of it.
#include <napi.h>

#include "affinity.h"
#include "duplicate.h"
#include "durable_stream.h"
#include "eventfd.h"
#include "file_lock.h"
#include "host_device.h"
#include "notify.h"
#include "pidfd.h"
#include "pipe.h"
#include "readiness.h"
#include "seccomp.h"
#include "shared_memory.h"
#include "socketpair.h"
#include "unix_socket.h"
#include "vfio_container.h"
#include "vfio_device.h"
#include "vfio_dma.h"
#include "vfio_group.h"
#include "vfio_interrupts.h"
#include "vfio_iommufd.h"
#include "vfio_mapping.h"
#include "vfio_region.h"

namespace gpuvm {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  RegisterAffinity(env, exports);
  RegisterDuplicate(env, exports);
  RegisterDurableStream(env, exports);
  RegisterEventfd(env, exports);
  RegisterFileLock(env, exports);
  RegisterHostDevice(env, exports);
  RegisterNotify(env, exports);
  RegisterPidfd(env, exports);
  RegisterPipe(env, exports);
  RegisterReadiness(env, exports);
  RegisterSeccomp(env, exports);
  RegisterSharedMemory(env, exports);
  RegisterSocketpair(env, exports);
  RegisterUnixSocket(env, exports);
  RegisterVfioContainer(env, exports);
  RegisterVfioDevice(env, exports);
  RegisterVfioDma(env, exports);
  RegisterVfioGroup(env, exports);
  RegisterVfioInterrupts(env, exports);
  RegisterVfioIommufd(env, exports);
  RegisterVfioMapping(env, exports);
  RegisterVfioRegion(env, exports);
  return exports;
}

NODE_API_MODULE(gpuvm, Init)

}  // namespace gpuvm
