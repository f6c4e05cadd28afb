#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wit/packages.h"

namespace nimbus::witdeps {

// The text of one package, somewhere in a tree.
struct TextPackage {
  wit::PackageNeeds about;
  std::vector<wit::WitFile> files;  // paths are within the tree
};

// The .wit files of a folder, a repository or an archive, in which packages are found by what they
// say of themselves: those of one folder are one package, unless they are several. Holds at most
// 4096 files and kMaxBytes.
class WitTree {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{8} << 20;

  enum class Links { kFollow, kRefuse };
  // A .wit file, or a folder with all that is below it but `.git` and the like; links to folders
  // are not followed. kInvalidArgument: a .wit file is a link, where those are refused.
  [[nodiscard]] static Result<WitTree> read(const std::filesystem::path& path, Links links);
  // A tar archive, which may be compressed. kInvalidArgument: it is none, or a name leads out of
  // it, or a .wit file is a link.
  [[nodiscard]] static Result<WitTree> unpack(ByteView archive);

  // kInvalidArgument: it leads elsewhere; kResourceExhausted.
  [[nodiscard]] Result<void> add(std::string path, std::string text);

  // Reads the files for what they are. Called once, after the last add().
  void index();
  [[nodiscard]] const TextPackage* find(const wit::PackageRef& package) const
      [[clang::lifetimebound]];
  // Two texts of it that are not the same, where neither goes before the other.
  [[nodiscard]] std::optional<Error> conflictOf(const wit::PackageRef& package) const;
  // What there is instead, for messages: "it has acme:log@1.0.0".
  [[nodiscard]] std::string describe() const;

  [[nodiscard]] const std::map<std::string, std::string>& files() const { return files_; }
  [[nodiscard]] const std::vector<TextPackage>& packages() const { return packages_; }

 private:
  void indexGroup(const std::vector<std::string>& paths);
  [[nodiscard]] bool indexPackage(const std::vector<std::string>& paths);

  std::map<std::string, std::string> files_;  // path -> text
  std::size_t bytes_ = 0;
  std::vector<TextPackage> packages_;
  std::string first_error_;
};

// Whether the path of a file in a tree has nothing that leads elsewhere: no "..", no part that is
// empty, no control characters.
[[nodiscard]] bool isSafePath(std::string_view path);

}  // namespace nimbus::witdeps
