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
        "native/errors.cc",
        "native/readiness.cc",
        "native/shared_memory.cc",
        "native/unix_socket.cc",
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_DISABLE_DEPRECATED", "_GNU_SOURCE"],
      "cflags_cc": ["-fexceptions"],
      "cflags!": ["-fno-exceptions"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti"],
    },
  ],
}
