#include "bindgen/whole_file.h"

#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>

#include <fmt/format.h>

namespace nimbus::bindgen {
namespace {

namespace fs = std::filesystem;

Result<void> write(const fs::path& path, std::string_view content) {
  errno = 0;
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  out.close();
  if (out) return {};
  return failErrno("cannot write " + path.string(), errno != 0 ? errno : EIO);
}

}  // namespace

Result<void> writeWholeFile(const fs::path& path, std::string_view content) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error)
    return fail(ErrorCode::kIo,
                fmt::format("cannot make {}: {}", path.parent_path().string(), error.message()));
  fs::path partial = path;
  partial += ".partial";
  Result<void> done = write(partial, content);
  if (done) {
    fs::rename(partial, path, error);
    if (error)
      done =
          fail(ErrorCode::kIo, fmt::format("cannot write {}: {}", path.string(), error.message()));
  }
  if (!done) fs::remove(partial, error);
  return done;
}

}  // namespace nimbus::bindgen
