#include "witdeps/wit_folder.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <set>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>

#include "base/bytes.h"
#include "base/files.h"
#include "project/temporary_folder.h"

namespace nimbus::witdeps {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDeps = "deps/";
constexpr std::string_view kPackageFile = "package.wit";
constexpr unsigned kFileMode = 0644;

// A folder beside `deps`, to take its place.
Result<project::TemporaryFolder> stage(const fs::path& folder) {
  return project::TemporaryFolder::makeIn(folder, ".deps-");
}

// What was there is in the staging folder then, and goes away with it.
Result<void> takePlaceOf(const fs::path& target, project::TemporaryFolder& staging) {
  const fs::path& path = staging.path();
  std::error_code error;
  if (!fs::exists(fs::symlink_status(target, error))) {
    if (::rename(path.c_str(), target.c_str()) == 0) {
      staging.letGo();
      return {};
    }
  } else if (::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) {
    return {};
  }
  return failErrno("cannot replace " + target.string(), errno);
}

Result<void> copyOthers(const fs::path& from, const fs::path& to,
                        const std::set<std::string>& but) {
  std::error_code error;
  if (!fs::exists(from, error)) return {};
  fs::directory_iterator it(from, error);
  for (const fs::directory_iterator end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (but.contains(name)) continue;
    fs::copy(it->path(), to / name, fs::copy_options::recursive | fs::copy_options::copy_symlinks,
             error);
    if (error) break;
  }
  if (!error) return {};
  return fail(ErrorCode::kIo, fmt::format("cannot copy {}: {}", from.string(), error.message()));
}

Result<void> writePackages(const fs::path& folder, const std::vector<wit::PackageText>& packages) {
  for (const wit::PackageText& package : packages) {
    const fs::path inside = folder / folderNameOf(package.package);
    std::error_code error;
    fs::create_directory(inside, error);
    if (error)
      return fail(ErrorCode::kIo,
                  fmt::format("cannot make {}: {}", inside.string(), error.message()));
    TRY_VOID(replaceFile((inside / kPackageFile).string(), asBytes(package.text), kFileMode));
  }
  return {};
}

}  // namespace

std::string folderNameOf(const wit::PackageRef& package) {
  std::string name = package.text();
  std::ranges::replace_if(name, [](char c) { return c == ':' || c == '@'; }, '-');
  return name;
}

Result<WitFolder> WitFolder::read(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error))
    return fail(ErrorCode::kNotFound, path.string() + " is no folder with WIT");
  TRY(WitTree tree, WitTree::read(path, WitTree::Links::kFollow));
  WitFolder folder;
  folder.path_ = path;
  folder.sortOut(std::move(tree));
  return folder;
}

void WitFolder::sortOut(WitTree tree) {
  std::map<std::string, std::vector<std::string>> entries;  // of `deps`
  for (const auto& [path, text] : tree.files()) {
    if (!path.starts_with(kDeps)) {
      main_.push_back({path, text});
      continue;
    }
    const std::string inside = path.substr(kDeps.size());
    entries[inside.substr(0, inside.find('/'))].push_back(path);
  }
  for (const auto& [name, paths] : entries) sortOutEntry(name, paths, tree.files());
}

void WitFolder::sortOutEntry(const std::string& entry, const std::vector<std::string>& paths,
                             const std::map<std::string, std::string>& files) {
  std::vector<wit::WitFile> texts;
  std::vector<wit::WitFile> plain;  // for the parser, which knows what `deps` means
  for (const std::string& path : paths) {
    texts.push_back({path, files.at(path)});
    plain.push_back({fs::path(path).filename().string(), files.at(path)});
  }
  auto about = wit::packageNeeds(plain);
  // What cannot be read is the project's own; whoever needs it says what is wrong with it.
  if (!about) return;
  const bool is_fetched = paths.size() == 1 && entry == folderNameOf(about->package) &&
                          paths.front() == fmt::format("{}{}/{}", kDeps, entry, kPackageFile);
  (is_fetched ? fetched_ : own_).push_back({*std::move(about), std::move(texts)});
}

Result<bool> WitFolder::replaceFetched(const std::vector<wit::PackageText>& packages) {
  std::map<wit::PackageRef, std::string_view> before;
  std::map<wit::PackageRef, std::string_view> after;
  for (const TextPackage& old : fetched_) before[old.about.package] = old.files.front().text;
  for (const wit::PackageText& package : packages) after[package.package] = package.text;
  if (before == after) return false;
  const fs::path deps = path_ / "deps";
  std::error_code error;
  if (fs::is_symlink(deps, error))
    return fail(ErrorCode::kInvalidArgument,
                deps.string() + " is a link: what it leads to is not written to");
  TRY(project::TemporaryFolder staging, stage(path_));
  std::set<std::string> replaced;
  for (const TextPackage& old : fetched_) replaced.insert(folderNameOf(old.about.package));
  TRY_VOID(copyOthers(deps, staging.path(), replaced));
  TRY_VOID(writePackages(staging.path(), packages));
  TRY_VOID(takePlaceOf(deps, staging));
  if (fs::is_empty(deps, error)) fs::remove(deps, error);
  TRY(WitFolder now, read(path_));
  *this = std::move(now);
  return true;
}

Result<bool> WitFolder::removeAll() {
  const fs::path deps = path_ / "deps";
  std::error_code error;
  if (!fs::exists(fs::symlink_status(deps, error))) return false;
  TRY(project::TemporaryFolder staging, stage(path_));
  TRY_VOID(takePlaceOf(deps, staging));
  fs::remove(deps, error);
  if (error)
    return fail(ErrorCode::kIo,
                fmt::format("cannot remove {}: {}", deps.string(), error.message()));
  own_.clear();
  fetched_.clear();
  return true;
}

}  // namespace nimbus::witdeps
