#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/shard.h"

namespace nimbus::net {

// What happened below a folder since the last call.
struct TreeChange {
  std::vector<std::string> paths;  // from the root, sorted; of folders that came or went their own
  bool incomplete = false;         // there were more than that: anything may have changed
  TimePoint first;                 // when the first of it was told
  std::optional<Error> problem;    // some folder is not watched, and why
};

struct TreeWatchOptions {
  std::string root;
  // Quiet time before a call, and the most that the first change waits while others follow.
  Duration settle = std::chrono::milliseconds(15);
  Duration at_most = std::chrono::milliseconds(500);
  std::size_t max_folders = 20'000;
  std::size_t max_paths = 64;  // told in one call
  // Whether a path from the root is none of the caller's business; ignored folders cost nothing.
  std::function<bool(const std::string& path, bool is_folder)> ignored;
};

// Watches a folder and all below it by inotify and calls back on the shard once things have been
// quiet for `settle`: files written (when they are closed), made by linking, moved in or out,
// deleted, or with other permissions. Folders that come later are followed from their first moment
// on; symbolic links never are. Survives lost events and the root being removed and made again.
//
// Made and destroyed on the shard's thread; `changed` may destroy it. Errors: kNotFound, kIo,
// kResourceExhausted (more folders than `max_folders`, or than the system lets a user watch).
class TreeWatch {
 public:
  virtual ~TreeWatch() = default;
};
[[nodiscard]] Result<std::unique_ptr<TreeWatch>> watchTree(Shard& shard, TreeWatchOptions options,
                                                           std::function<void(TreeChange)> changed);

}  // namespace nimbus::net
