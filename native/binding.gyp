{
  "targets": [
    {
      "target_name": "telegen",
      "sources": ["<!@(node -p \"require('fs').readdirSync('.').filter((name) => name.endsWith('.cc')).join(' ')\")"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_CPP_EXCEPTIONS_ALL", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "cflags_cc": ["-std=c++17", "-fexceptions", "-Wall", "-Wextra", "-Wno-unused-parameter", "-O2"],
      "cflags_cc!": ["-fno-exceptions", "-std=gnu++20", "-std=gnu++17"],
      # All symbols are looked for as it is loaded: one that a library lacks is an error then, and would end the process later.
      # A worker thread that ends must not unload what a thread of the addon, or libbpf's callback, still runs in.
      "ldflags": ["-Wl,-z,nodelete", "-Wl,-z,now"],
      "libraries": ["-lbpf", "-lelf"]
    }
  ]
}
