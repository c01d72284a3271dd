{
  "target_defaults": {
    "cflags": ["-Wall", "-Wextra", "-O2"],
    "cflags_cc": ["-std=c++17"],
  },
  "targets": [
    {
      # The addon: system calls, one file per kernel interface.
      "target_name": "gpuvm",
      "sources": [
        "native/addon.cc",
        "native/affinity.cc",
        "native/duplicate.cc",
        "native/durable_stream.cc",
        "native/errors.cc",
        "native/eventfd.cc",
        "native/file_lock.cc",
        "native/host_device.cc",
        "native/memory.cc",
        "native/notify.cc",
        "native/pidfd.cc",
        "native/pipe.cc",
        "native/readiness.cc",
        "native/seccomp.cc",
        "native/seccomp_listener.cc",
        "native/shared_memory.cc",
        "native/socketpair.cc",
        "native/unix_socket.cc",
        "native/vfio_call.cc",
        "native/vfio_container.cc",
        "native/vfio_device.cc",
        "native/vfio_dma.cc",
        "native/vfio_fault.cc",
        "native/vfio_group.cc",
        "native/vfio_interrupts.cc",
        "native/vfio_iommufd.cc",
        "native/vfio_mapping.cc",
        "native/vfio_region.cc",
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": [
        "NAPI_VERSION=8",
        "NODE_ADDON_API_DISABLE_DEPRECATED",
        # A thread that is being ended can throw nothing: no reason to end the process.
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
        "_GNU_SOURCE",
      ],
      "cflags_cc": ["-fexceptions"],
      "cflags!": ["-fno-exceptions"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti"],
    },
    {
      # Starts a VMM whose opens and writes of the BPMP host device are answered by gpuvm.
      "target_name": "gpuvm-exec",
      "type": "executable",
      "sources": ["native/exec-wrapper/main.c", "native/exec-wrapper/confine.c", "native/exec-wrapper/filter.c"],
      "defines": ["_GNU_SOURCE"],
    },
    {
      # Uses the BPMP host device as QEMU's device does: for tests and the bench.
      "target_name": "gpuvm-standin",
      "type": "executable",
      "sources": ["native/test/standin.c", "native/test/hostile.c", "native/test/tally.c"],
      "defines": ["_GNU_SOURCE"],
      "libraries": ["-pthread"],
    },
    {
      # The same as a thread inside a real VMM (LD_PRELOAD).
      "target_name": "gpuvm-standin-preload",
      "type": "shared_library",
      "product_prefix": "",
      "sources": ["native/test/preload.c", "native/test/tally.c"],
      "defines": ["_GNU_SOURCE"],
      "cflags": ["-fPIC"],
      "libraries": ["-pthread"],
    },
    {
      # What the bench measures the interposed bridge against.
      "target_name": "gpuvm-baseline",
      "type": "executable",
      "sources": ["native/test/baseline-supervisor.c"],
      "defines": ["_GNU_SOURCE"],
    },
    {
      # What the bench measures the QMP client against.
      "target_name": "gpuvm-qmp-client",
      "type": "executable",
      "sources": ["native/test/qmp-client.c"],
      "defines": ["_GNU_SOURCE"],
    },
  ],
}
