#include "bindgen/wit_files.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/files.h"
#include "wit/tools.h"

namespace nimbus::bindgen {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFiles = 4096;
constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;

Result<std::vector<fs::path>> listFolder(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (auto entry = fs::recursive_directory_iterator(folder, error);
       !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (!entry->is_regular_file(error) || entry->path().extension() != ".wit") continue;
    paths.push_back(entry->path());
    if (paths.size() > kMaxFiles)
      return fail(ErrorCode::kResourceExhausted, folder.string() + ": more than 4096 WIT files");
  }
  if (error) return fail(ErrorCode::kIo, fmt::format("{}: {}", folder.string(), error.message()));
  std::ranges::sort(paths);
  return paths;
}

Result<std::vector<wit::WitFile>> readFiles(const fs::path& base,
                                            const std::vector<fs::path>& paths) {
  std::vector<wit::WitFile> files;
  for (const fs::path& path : paths) {
    TRY(std::string text, readFile(path, kMaxFileBytes));
    // Dependencies are told by the folder `deps` below the one that was asked for.
    const fs::path name = base.empty() ? path.filename() : path.lexically_relative(base);
    files.push_back({name.string(), std::move(text)});
  }
  return files;
}

// Nothing for what is neither a folder nor a .wit file.
Result<std::vector<wit::WitFile>> readText(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    if (path.extension() != ".wit") return std::vector<wit::WitFile>();
    return readFiles({}, {path});
  }
  TRY(const std::vector<fs::path> paths, listFolder(path));
  if (paths.empty())
    return fail(ErrorCode::kInvalidArgument, path.string() + ": there is no .wit file");
  return readFiles(path, paths);
}

// What is wrong with a binary, with its name.
template <typename T>
Result<T> named(const fs::path& path, Result<T> result) {
  if (result) return result;
  const ErrorCode code = result.error().code();
  return fail(code, path.string(), std::move(result).error());
}

}  // namespace

Result<wit::Document> loadWit(const fs::path& path) {
  TRY(const std::vector<wit::WitFile> files, readText(path));
  if (!files.empty()) {
    TRY(const std::string json, wit::parseWit(files));
    return wit::readDocument(json);
  }
  TRY(const std::string binary, readFile(path, kMaxFileBytes));
  TRY(const std::string json, named(path, wit::worldJson(asBytes(binary))));
  return wit::readDocument(json);
}

Result<std::vector<wit::WitFile>> readWitFiles(const fs::path& path) {
  TRY(std::vector<wit::WitFile> files, readText(path));
  if (!files.empty()) return files;
  TRY(const std::string binary, readFile(path, kMaxFileBytes));
  TRY(std::string text, named(path, wit::witText(asBytes(binary))));
  files.push_back({path.filename().string() + ".wit", std::move(text)});
  return files;
}

}  // namespace nimbus::bindgen
