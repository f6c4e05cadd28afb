#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "plugin/grant.h"

namespace nimbus::plugin {

// What was agreed to of one version of a plugin, as the file was then.
struct Agreed {
  std::vector<Grant> grants;
  std::uint64_t revocation = 0;  // of the plugin: another one after each revoke()
  FileStamp as_of{};
};

// What the user has agreed to, in a file (docs/formats/plugins.md). A new version of a plugin has
// another digest and thereby nothing. Changes are written at once, under the folder's lock, so that
// several processes lose none. A file that is damaged grants nothing; the first change moves it
// aside. One thread at a time.
class GrantBook {
 public:
  // `folder` is made private when something is granted first.
  explicit GrantBook(std::string folder) : folder_(std::move(folder)) {}
  [[nodiscard]] static std::string fileIn(const std::string& folder);

  // Of one version of a plugin; empty if there is no file, or it is damaged.
  [[nodiscard]] Result<std::vector<Grant>> of(const std::string& digest) const;
  // The same, for whoever looks from time to time whether it is still so.
  [[nodiscard]] Result<Agreed> agreedTo(const PluginIdentity& plugin) const;
  // Equal for as long as nobody has changed anything.
  [[nodiscard]] FileStamp stamp() const;
  [[nodiscard]] Result<void> add(const PluginIdentity& plugin, std::vector<Grant> grants);
  // Whether there is anything to revoke of a plugin by name; not if the file is damaged.
  [[nodiscard]] Result<bool> holds(const std::string& plugin_name) const;
  // All of a plugin by name, whatever its version; how many there were. Whoever looks by agreedTo()
  // sees it, also if there were none, or the same is agreed to again meanwhile.
  [[nodiscard]] Result<std::size_t> revoke(const std::string& plugin_name);

  // An error says how the file is damaged.
  [[nodiscard]] Result<void> check() const;
  // Moves a damaged file aside.
  [[nodiscard]] Result<void> repair();

 private:
  std::string folder_;
};

}  // namespace nimbus::plugin
