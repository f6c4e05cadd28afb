#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "dev/held.h"
#include "host/manifest/manifest.h"

namespace nimbus::dev {

// A component that serves interfaces to whatever is developed, such as an installed plugin. It is
// composed with what imports them, where that can be, and else linked by calls; or somebody else
// runs it, who gives it to the host (host::GivenProvider).
struct DevPlugin {
  std::string name;                  // a DNS label
  std::vector<std::string> exports;  // "wasi:blobstore/container@0.2.0-draft"
  std::string given;                 // the name by which it is given; empty: the rest is for that

  std::string component_path;  // absolute
  std::string digest;          // that its binary must have; empty: any
  struct Folder {
    std::string host_path;
    std::string guest_path;
    bool read_only = false;
    bool own = false;  // where the plugin keeps what is its own
    // Tells it from others that have been, or will be, by the same path; of letters, digits and
    // `-`.
    std::string stamp = {};
    friend bool operator==(const Folder&, const Folder&) = default;
  };
  std::vector<Folder> folders;
  host::StringMap config;
  std::vector<std::string> allowed_hosts;
  std::vector<std::string> allowed_loopback_ports;

  Held held;  // goes with what the plugin serves

  friend bool operator==(const DevPlugin&, const DevPlugin&) = default;
};

}  // namespace nimbus::dev
