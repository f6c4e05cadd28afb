#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "plugin/lock_recovery.h"
#include "plugin/plugin.h"
#include "plugin/plugin_lock.h"

namespace nimbus::plugin {

struct InstalledPlugin {
  Plugin plugin;
  std::string source;
  std::uint64_t bytes = 0;
};

// The plugins of one user, in a folder: binaries, what they say of themselves, and a lock file, the
// change of which installs and removes (docs/formats/plugins.md). Either also deletes the files
// that an installation has left which died halfway. Reading opens no binary.
class PluginStore {
 public:
  explicit PluginStore(std::string folder) : folder_(std::move(folder)) {}

  [[nodiscard]] const std::string& folder() const { return folder_; }
  // The file that changes with every installation and removal.
  [[nodiscard]] std::string lockFile() const { return folder_ + "/plugins.lock"; }

  struct Problem {
    std::string plugin;  // that is left out; empty: it is the lock file
    std::string reason;

    // Who is left out, why, and what helps.
    [[nodiscard]] std::string describe() const;
    friend bool operator==(const Problem&, const Problem&) = default;
  };
  struct Listing {
    std::vector<InstalledPlugin> plugins;  // in the order of names
    std::vector<Problem> problems;
  };
  [[nodiscard]] Listing list() const;
  // Makes the lock file again of what is in the folder, if it is lost or damaged; a damaged one is
  // kept beside it.
  [[nodiscard]] Result<RecoveredLock> repair();
  // kNotFound, or why it cannot be used.
  [[nodiscard]] Result<InstalledPlugin> find(std::string_view name) const;

  enum class Existing { kRefuse, kReplace };
  struct Request {
    Bytes wasm;
    PluginInfo info;  // of these bytes
    std::string source;
    Existing existing = Existing::kRefuse;
    // Words of the command line that no plugin may take.
    std::span<const std::string> reserved;
  };
  // kAlreadyExists: the name, or a word it adds to the command line, is taken; letters of either
  // case are the same.
  [[nodiscard]] Result<InstalledPlugin> install(const Request& request);

  enum class Data { kRemove, kKeep };
  // `data`: its folder and its configuration. A folder that is held (plugin_folders.h) stays until
  // nobody holds it, and clean(), install() or uninstall() is called then.
  [[nodiscard]] Result<void> uninstall(std::string_view name, Data data);
  // Deletes what was left so, as far as that can be done now.
  void clean();

 private:
  [[nodiscard]] Result<std::vector<LockEntry>> readLock() const;
  // Unlike readLock(), a file that is lost is an error, and errors say what helps.
  [[nodiscard]] Result<std::vector<LockEntry>> entries() const;
  [[nodiscard]] Result<InstalledPlugin> read(const LockEntry& entry) const;
  [[nodiscard]] Plugin placed(const LockEntry& entry, PluginInfo info) const;
  [[nodiscard]] Result<void> checkNames(const Request& request,
                                        const std::vector<LockEntry>& entries) const;
  // The binary, what is known of it, and last the list that makes them count.
  [[nodiscard]] Result<void> writeFiles(const LockEntry& entry, const Request& request,
                                        std::vector<LockEntry> entries) const;
  void removeFiles(const LockEntry& entry) const;
  // Under the lock.
  void removeWhatIsLeft() const;
  [[nodiscard]] std::string scratchFolders() const { return folder_ + "/fs"; }

  const std::string folder_;
};

}  // namespace nimbus::plugin
