#include "witdeps/wit_tree.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/escape.h"
#include "base/files.h"
#include "base/text.h"
#include "witdeps/package_items.h"

namespace nimbus::witdeps {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFiles = 4096;
constexpr std::size_t kMaxVisited = 100'000;
constexpr std::size_t kMaxPathBytes = 1024;
constexpr std::size_t kMaxDescribed = 8;

// Folders of tools, in which nobody keeps packages.
bool isSkipped(const std::string& name) {
  return name.starts_with('.') || name == "target" || name == "node_modules";
}

std::string folderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

bool isDeps(std::string_view folder) { return folder == "deps" || folder.ends_with("/deps"); }

bool isWithinDeps(std::string_view folder) {
  return isDeps(folder) || folder.starts_with("deps/") || folder.contains("/deps/");
}

Result<void> addFile(const fs::path& file, const std::string& name, WitTree::Links links,
                     WitTree& tree) {
  std::error_code error;
  if (links == WitTree::Links::kRefuse && !fs::is_regular_file(fs::symlink_status(file, error)))
    return fail(ErrorCode::kInvalidArgument,
                file.string() + " is a link or a device, not a file of WIT");
  TRY(std::string text, readFile(file.string(), WitTree::kMaxBytes));
  return tree.add(name, std::move(text));
}

Result<void> addFolder(const fs::path& folder, WitTree::Links links, WitTree& tree) {
  std::error_code error;
  std::size_t visited = 0;
  fs::recursive_directory_iterator it(folder, error);
  for (const fs::recursive_directory_iterator end; !error && it != end; it.increment(error)) {
    if (++visited > kMaxVisited)
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("{} has more than {} files", folder.string(), kMaxVisited));
    const std::string name = it->path().filename().string();
    if (isSkipped(name)) {
      it.disable_recursion_pending();
    } else if (it->path().extension() == ".wit" && !it->is_directory(error)) {
      const std::string inside = it->path().lexically_relative(folder).generic_string();
      TRY_VOID(addFile(it->path(), inside, links, tree));
    }
  }
  if (error) return fail(ErrorCode::kIo, fmt::format("{}: {}", folder.string(), error.message()));
  return {};
}

}  // namespace

bool isSafePath(std::string_view path) {
  if (path.empty() || path.size() > kMaxPathBytes) return false;
  return std::ranges::all_of(split(path, '/'), [](std::string_view part) {
    return !part.empty() && part != "." && part != ".." && !part.contains('\\') &&
           std::ranges::none_of(part, isControl);
  });
}

Result<WitTree> WitTree::read(const fs::path& path, Links links) {
  std::error_code error;
  WitTree tree;
  if (fs::is_directory(path, error)) {
    TRY_VOID(addFolder(path, links, tree));
  } else if (fs::exists(path, error)) {
    TRY_VOID(addFile(path, path.filename().string(), links, tree));
  } else {
    return fail(ErrorCode::kNotFound, path.string() + " does not exist");
  }
  tree.index();
  return tree;
}

Result<void> WitTree::add(std::string path, std::string text) {
  if (!isSafePath(path)) {
    const std::string shown = escaped(std::string_view(path).substr(0, kMaxPathBytes));
    return fail(ErrorCode::kInvalidArgument, fmt::format("the path \"{}\" is not safe", shown));
  }
  bytes_ += text.size();
  if (files_.size() == kMaxFiles || bytes_ > kMaxBytes)
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("it has more than {} .wit files, or more than {} MiB of them",
                            kMaxFiles, kMaxBytes >> 20));
  files_.insert_or_assign(std::move(path), std::move(text));
  return {};
}

void WitTree::index() {
  // A folder's own packages go before those that somebody keeps below it.
  std::map<std::pair<bool, std::string>, std::vector<std::string>> groups;
  for (const auto& [path, text] : files_) {
    const std::string folder = folderOf(path);
    groups[{isWithinDeps(folder), isDeps(folder) ? path : folder}].push_back(path);
  }
  for (const auto& [key, paths] : groups) indexGroup(paths);
}

void WitTree::indexGroup(const std::vector<std::string>& paths) {
  if (indexPackage(paths) || paths.size() == 1) return;
  for (const std::string& path : paths) (void)indexPackage({path});
}

bool WitTree::indexPackage(const std::vector<std::string>& paths) {
  std::vector<wit::WitFile> files;
  // The parser takes what is below a folder `deps` for other packages.
  for (const std::string& path : paths)
    files.push_back({fs::path(path).filename().string(), files_[path]});
  auto about = wit::packageNeeds(files);
  if (!about) {
    if (first_error_.empty())
      first_error_ = fmt::format("{}: {}", paths.front(), about.error().message());
    return false;
  }
  for (std::size_t i = 0; i < paths.size(); ++i) files[i].path = paths[i];
  packages_.push_back({*std::move(about), std::move(files)});
  return true;
}

const TextPackage* WitTree::find(const wit::PackageRef& package) const {
  const auto found = std::ranges::find(packages_, package,
                                       [](const TextPackage& text) { return text.about.package; });
  return found == packages_.end() ? nullptr : &*found;
}

std::optional<Error> WitTree::conflictOf(const wit::PackageRef& package) const {
  const TextPackage* first = find(package);
  if (first == nullptr) return std::nullopt;
  const auto isCopy = [](const TextPackage& text) {
    return isWithinDeps(folderOf(text.files.front().path));
  };
  std::vector<TextPackage> equals;
  for (const TextPackage& text : packages_)
    if (text.about.package == package && isCopy(text) == isCopy(*first)) equals.push_back(text);
  return conflictIn(equals, package);
}

std::string WitTree::describe() const {
  if (files_.empty()) return "it has no .wit file";
  if (packages_.empty()) return "it has nothing that can be read: " + first_error_;
  std::vector<std::string> names;
  for (const TextPackage& package : packages_) names.push_back(package.about.package.text());
  const bool more = names.size() > kMaxDescribed;
  if (more) names.resize(kMaxDescribed);
  return fmt::format("it has {}{}", fmt::join(names, ", "), more ? ", …" : "");
}

}  // namespace nimbus::witdeps
