#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nimbus::plugin {

// The file that says which plugins are installed (docs/formats/plugins.md): what it does not name
// is not there, whatever files lie beside it.
struct LockEntry {
  std::string name;
  std::string digest;  // "sha256:<hex>"
  std::string source;  // where it was installed from, as it was typed
  std::uint64_t bytes = 0;

  // Of its files, without extension: "<name>-<the digest's begin>".
  [[nodiscard]] std::string fileName() const;

  friend bool operator==(const LockEntry&, const LockEntry&) = default;
};

// In the order of names.
[[nodiscard]] std::string formatLock(std::vector<LockEntry> entries);
// kInvalidArgument: damaged. Names and digests are those that formatLock() writes, so that paths
// can be made of them.
[[nodiscard]] Result<std::vector<LockEntry>> parseLock(std::string_view text);

[[nodiscard]] bool isDigest(std::string_view text);  // "sha256:" and 64 small hexadecimal digits

}  // namespace nimbus::plugin
