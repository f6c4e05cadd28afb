#include "project/languages/results.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic("\0asm", 4);
constexpr std::size_t kMaxEntries = 100000;

bool isIntermediate(const fs::path& path) {
  const fs::path extension = path.extension();
  return extension == ".o" || extension == ".obj" || extension == ".a" || extension == ".rlib";
}

}  // namespace

bool isThere(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

bool isWasmFile(const fs::path& path) {
  std::array<char, kMagic.size()> begin{};
  std::ifstream file(path, std::ios::binary);
  file.read(begin.data(), begin.size());
  return file && std::string_view(begin.data(), begin.size()) == kMagic;
}

std::vector<fs::path> findWasmFiles(const fs::path& folder, int depth) {
  std::vector<fs::path> files;
  std::error_code error;
  std::size_t seen = 0;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (++seen > kMaxEntries) break;
    std::error_code ignored;
    if (it->is_directory(ignored)) {
      if (it.depth() >= depth || it->path().filename() == "CMakeFiles") {
        it.disable_recursion_pending();
      }
      continue;
    }
    if (!it->is_regular_file(ignored) || isIntermediate(it->path())) continue;
    if (isWasmFile(it->path())) files.push_back(it->path());
  }
  std::ranges::sort(files);
  return files;
}

Result<fs::path> onlyResult(const std::vector<fs::path>& files, std::string_view made_by) {
  if (files.size() == 1) return files.front();
  if (files.empty())
    return fail(ErrorCode::kNotFound,
                fmt::format("{} has made no WebAssembly file: if it is in an unusual place, set "
                            "build.component_path in .wash/config.yaml",
                            made_by));
  std::vector<std::string> names;
  for (const fs::path& file : files) names.push_back(file.string());
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} has made {} WebAssembly files: {}; set build.component_path in "
                          ".wash/config.yaml to the one that is meant",
                          made_by, names.size(), fmt::join(names, ", ")));
}

}  // namespace nimbus::project
