#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "wit/packages.h"
#include "witdeps/wit_tree.h"

namespace nimbus::witdeps {

// The folder `wit` of a project: its own package, and `deps` with the packages that it needs. What
// is fetched stands in `deps/wasi-http-0.2.3/package.wit`, as wkg writes it; everything else in
// `deps` is the project's own and stays as it is.
class WitFolder {
 public:
  // kNotFound: there is no such folder.
  [[nodiscard]] static Result<WitFolder> read(const std::filesystem::path& path);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // The project's own package; may be empty.
  [[nodiscard]] const std::vector<wit::WitFile>& main() const { return main_; }
  void setMain(std::vector<wit::WitFile> files) { main_ = std::move(files); }
  // The packages that the project keeps in `deps` itself, paths beginning with "deps/".
  [[nodiscard]] const std::vector<TextPackage>& own() const { return own_; }
  // Those that were fetched.
  [[nodiscard]] const std::vector<TextPackage>& fetched() const { return fetched_; }

  // Makes these the fetched packages, all at once: whatever happens, `deps` is as it was or as it
  // is meant to be. False: it was so already.
  [[nodiscard]] Result<bool> replaceFetched(const std::vector<wit::PackageText>& packages);

  // Removes `deps` with all that is in it. False: there is none.
  [[nodiscard]] Result<bool> removeAll();

 private:
  void sortOut(WitTree tree);
  void sortOutEntry(const std::string& entry, const std::vector<std::string>& paths,
                    const std::map<std::string, std::string>& files);

  std::filesystem::path path_;
  std::vector<wit::WitFile> main_;
  std::vector<TextPackage> own_;
  std::vector<TextPackage> fetched_;
};

// "wasi-http-0.2.3": the folder of a fetched package.
[[nodiscard]] std::string folderNameOf(const wit::PackageRef& package);

}  // namespace nimbus::witdeps
