#include "project/built_files.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHeaderBytes = 8;
constexpr std::string_view kComponentHeader("\0asm\x0d\0\x01\0", kHeaderBytes);

constexpr std::string_view kCargoFolder = "target";
constexpr std::string_view kCargoTargets = "wasm32-";
constexpr std::array<std::string_view, 3> kFolders = {"build", "dist", "out"};

// In the order of their names; none if there is no such folder.
template <typename Fits>
std::vector<fs::path> entriesOf(const fs::path& folder, const Fits& fits) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (fits(*it)) entries.push_back(it->path());
  }
  std::ranges::sort(entries);
  return entries;
}

std::vector<fs::path> wasmFilesIn(const fs::path& folder) {
  return entriesOf(folder, [](const fs::directory_entry& entry) {
    std::error_code ignored;
    return entry.path().extension() == ".wasm" && entry.is_regular_file(ignored);
  });
}

// What cargo has left in the folder of one profile.
struct ProfileFiles {
  std::string profile;
  std::vector<fs::path> components;
  fs::file_time_type built;  // the latest of them
};

ProfileFiles filesOfProfile(const fs::path& folder) {
  ProfileFiles files{
      .profile = folder.filename().string(), .components = {}, .built = fs::file_time_type::min()};
  for (const fs::path& file : wasmFilesIn(folder)) {
    if (!isComponentFile(file)) continue;
    files.components.push_back(file);
    std::error_code error;
    const fs::file_time_type written = fs::last_write_time(file, error);
    if (!error) files.built = std::max(files.built, written);
  }
  return files;
}

// target/wasm32-*
std::vector<fs::path> cargoTargets(const fs::path& project) {
  return entriesOf(project / kCargoFolder, [](const fs::directory_entry& entry) {
    return entry.path().filename().string().starts_with(kCargoTargets);
  });
}

std::vector<fs::path> profileFolders(const fs::path& target) {
  return entriesOf(target, [](const fs::directory_entry& entry) {
    std::error_code ignored;
    return entry.is_directory(ignored);
  });
}

// Those of one target whose profile counts.
std::vector<fs::path> latestComponents(const fs::path& target, BuildProfile wanted) {
  const std::string_view preferred = wanted == BuildProfile::kDebug ? "debug" : "release";
  ProfileFiles latest;
  for (const fs::path& folder : profileFolders(target)) {
    ProfileFiles files = filesOfProfile(folder);
    if (files.components.empty()) continue;
    const bool first = latest.components.empty();
    const bool tie = files.built == latest.built && files.profile == preferred;
    if (first || files.built > latest.built || tie) latest = std::move(files);
  }
  return std::move(latest.components);
}

bool areSame(const fs::path& a, const fs::path& b) {
  std::error_code error;
  return fs::equivalent(a, b, error);
}

}  // namespace

bool isComponentFile(const fs::path& file) {
  std::array<char, kHeaderBytes> header{};
  std::ifstream content(file, std::ios::binary);
  content.read(header.data(), header.size());
  return content && std::string_view(header.data(), header.size()) == kComponentHeader;
}

std::vector<fs::path> findBuiltFiles(const fs::path& project, BuildProfile wanted) {
  std::vector<fs::path> files;
  for (const fs::path& target : cargoTargets(project)) {
    std::ranges::copy(latestComponents(target, wanted), std::back_inserter(files));
  }
  for (const std::string_view folder : kFolders) {
    std::ranges::copy(wasmFilesIn(project / folder), std::back_inserter(files));
  }
  std::ranges::copy(wasmFilesIn(project), std::back_inserter(files));
  return files;
}

bool isInUsualPlace(const fs::path& project, const fs::path& file) {
  const fs::path folder = file.parent_path();
  if (file.extension() != ".wasm") return false;
  if (areSame(folder, project)) return true;
  if (std::ranges::any_of(kFolders, [&](auto name) { return areSame(folder, project / name); }))
    return true;
  const fs::path target = folder.parent_path();
  return target.filename().string().starts_with(kCargoTargets) &&
         areSame(target.parent_path(), project / kCargoFolder);
}

void markAsBuiltLast(const fs::path& file) {
  const fs::path folder = file.parent_path();
  if (!folder.parent_path().filename().string().starts_with(kCargoTargets)) return;
  const fs::file_time_type built = filesOfProfile(folder).built;
  const bool is_latest =
      std::ranges::none_of(profileFolders(folder.parent_path()), [&](const fs::path& other) {
        return other != folder && filesOfProfile(other).built >= built;
      });
  std::error_code ignored;  // who cannot write there has not built it there
  if (!is_latest) fs::last_write_time(file, fs::file_time_type::clock::now(), ignored);
}

}  // namespace nimbus::project
