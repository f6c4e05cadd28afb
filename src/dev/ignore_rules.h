#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nimbus::dev {

// One line of a .gitignore: `*`, `?`, `[…]` within a segment, `**` for any number of segments, a
// leading or inner `/` ties it to the file's folder, a trailing one to folders, `!` takes back.
struct IgnorePattern {
  std::vector<std::string> segments;
  bool negated = false;
  bool folders_only = false;
};

// Reads the lines of a .gitignore; what is no pattern is left out. At most 1000 patterns of 32
// segments are taken.
[[nodiscard]] std::vector<IgnorePattern> parseIgnoreFile(std::string_view text);

// Which paths of a project cannot be sources: results of builds, fetched packages, version control,
// what editors leave for a moment, and what the project's own .gitignore names. A folder that is
// ignored is never looked into, so nothing below it can be taken back.
//
// Names that are results in one language and sources in another (`target`, `build`, `bin`) count
// only beside a file that shows the language. Of `.wash` only the configuration counts.
// Immutable; any thread; asks the file system.
class IgnoreRules {
 public:
  // `root`: the project's folder, absolute. `outputs`: paths from it that the build makes. `more`:
  // patterns behind those of the .gitignore.
  explicit IgnoreRules(std::string root, std::vector<std::string> outputs = {},
                       const std::vector<std::string>& more = {});

  // `path` is from the root, without a leading slash. Its parents are not ignored.
  [[nodiscard]] bool ignores(const std::string& path, bool is_folder) const;

 private:
  [[nodiscard]] bool isResultFolder(const std::string& path, std::string_view name) const;
  [[nodiscard]] bool ignoredByFile(const std::string& path, bool is_folder) const;

  const std::string root_;
  const std::vector<std::string> outputs_;
  std::vector<IgnorePattern> patterns_;
};

}  // namespace nimbus::dev
