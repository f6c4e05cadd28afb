#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plugin/plugin_lock.h"

namespace nimbus::plugin {

// What becomes of a lock file that cannot be read, in its folder.
inline constexpr const char* kDamagedLockFile = "plugins.lock.damaged";

// What the lock file can be made of again, once it is lost or damaged.
struct RecoveredLock {
  struct Left {
    std::string file;
    std::string reason;
  };
  std::vector<LockEntry> entries;  // in the order of names
  std::vector<Left> left_out;      // files of plugins that cannot be used
};

// Whether the folder holds files that only a lock file gives a meaning to.
[[nodiscard]] bool holdsPlugins(const std::string& folder);

// Deletes the files of plugins that these entries of a lock file do not name, and what writers that
// died have left half written. For whoever has the lock of the folder, and has read that file
// whole: it could not be made again of what is gone. So nothing goes as long as a damaged one lies
// there. What cannot be deleted does no harm.
void removeUnnamedFiles(const std::string& folder, const std::vector<LockEntry>& entries);

// The plugins whose binary and information lie in the folder, whole: the binary has the digest that
// its name begins with. Of two with one name the one that was written last counts. Where they came
// from is not known any more. Reads every binary.
[[nodiscard]] RecoveredLock recoverLock(const std::string& folder);

}  // namespace nimbus::plugin
