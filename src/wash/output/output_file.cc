#include "wash/output/output_file.h"

#include <filesystem>
#include <system_error>

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxLinks = 40;

}  // namespace

Result<std::string> outputFile(const std::string& path) {
  if (path.empty()) return fail(ErrorCode::kInvalidArgument, "the file to write has no name");
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status))
    return fail(ErrorCode::kInvalidArgument, path + " is a folder; name the file to write");
  if (fs::exists(status) && !fs::is_regular_file(status))
    return fail(ErrorCode::kInvalidArgument, path + " is not a regular file");
  fs::path target = path;
  for (int i = 0; fs::is_symlink(target, error) && i < kMaxLinks; ++i)
    target = target.parent_path() / fs::read_symlink(target, error);
  if (fs::is_symlink(target, error))
    return fail(ErrorCode::kInvalidArgument, path + ": the links lead nowhere");
  const fs::path folder = target.parent_path();
  const bool has_folder = folder.empty() || fs::is_directory(folder, error);
  if (!has_folder && error && error != std::errc::no_such_file_or_directory)
    return failErrno("cannot write " + path, error.value());
  if (!has_folder)
    return fail(ErrorCode::kNotFound,
                "cannot write " + path + ": there is no folder " + folder.string());
  return target.string();
}

}  // namespace nimbus::wash
