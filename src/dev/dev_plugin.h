#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "host/manifest.h"

namespace nimbus::dev {

// A component that serves interfaces to whatever is developed, such as an installed plugin.
struct DevPlugin {
  std::string name;                  // a DNS label
  std::string component_path;        // absolute
  std::vector<std::string> exports;  // "wasi:blobstore/container@0.2.0-draft"
  // One instance for all callers that keeps what it remembers while the developed code is replaced;
  // otherwise each instance of a caller has one of its own.
  bool long_lived = false;
  std::string scratch_folder;  // that it may read and write, absolute; empty: none
  std::string scratch_mount = "/tmp";
  host::StringMap config;
  std::vector<std::string> allowed_hosts;

  friend bool operator==(const DevPlugin&, const DevPlugin&) = default;
};

// The plugins as they are now.
using ListDevPlugins = std::function<std::vector<DevPlugin>()>;

}  // namespace nimbus::dev
