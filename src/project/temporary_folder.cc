#include "project/temporary_folder.h"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

namespace nimbus::project {
namespace {

namespace fs = std::filesystem;

// The path of the new folder; empty, with the reason in errno.
fs::path makeNamed(const fs::path& parent, std::string_view prefix) {
  std::string name = (parent / prefix).string() + "XXXXXX";
  return ::mkdtemp(name.data()) == nullptr ? fs::path() : fs::path(name);
}

}  // namespace

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

Result<TemporaryFolder> TemporaryFolder::make(std::string_view prefix) {
  std::error_code error;
  const fs::path parent = fs::temp_directory_path(error);
  fs::path path = error ? fs::path() : makeNamed(parent, prefix);
  if (path.empty())
    return failErrno("cannot make a temporary folder", error ? error.value() : errno);
  return TemporaryFolder(std::move(path));
}

Result<TemporaryFolder> TemporaryFolder::makeIn(const fs::path& parent, std::string_view prefix) {
  fs::path path = makeNamed(parent, prefix);
  if (path.empty()) return failErrno("cannot make a folder in " + parent.string(), errno);
  std::error_code ignored;
  constexpr auto kUsual = fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                          fs::perms::others_read | fs::perms::others_exec;
  fs::permissions(path, kUsual, ignored);
  return TemporaryFolder(std::move(path));
}

}  // namespace nimbus::project
