#include "host/control/folder_reader.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "engine/digest.h"

namespace nimbus::host {
namespace {

constexpr std::size_t kMaxManifestBytes = 1024 * 1024;

// A file may change again within the resolution of its time stamp, unnoticed; after this long it
// cannot any more.
constexpr std::chrono::nanoseconds kStampResolution = std::chrono::seconds(2);

bool isManifestName(std::string_view name) {
  static constexpr std::array<std::string_view, 3> kEndings = {".yaml", ".yml", ".json"};
  if (name.starts_with('.')) return false;
  for (const std::string_view ending : kEndings)
    if (name.ends_with(ending)) return true;
  return false;
}

bool isOld(const FileStamp& stamp) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto newest = std::max(stamp.modified_ns, stamp.changed_ns);
  return now - std::chrono::nanoseconds(newest) > kStampResolution;
}

// Written or replaced, perhaps by the same; other rights alone do not count.
bool wasWritten(FileStamp before, const FileStamp& now) {
  before.changed_ns = now.changed_ns;
  return before != now;
}

Result<std::shared_ptr<const WorkloadSpec>> parse(const Result<std::string>& text,
                                                  const std::string& name,
                                                  const std::string& folder) {
  if (!text) return std::unexpected(text.error());
  TRY(WorkloadSpec spec, parseManifest(*text, name, folder));
  return std::make_shared<const WorkloadSpec>(std::move(spec));
}

}  // namespace

Result<std::vector<FolderReader::Name>> FolderReader::names() const {
  std::vector<Name> all;
  std::error_code error;
  std::filesystem::directory_iterator it(folder_, error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    std::string name = it->path().filename().string();
    if (!isManifestName(name)) continue;
    std::error_code unknown;  // one that is gone by now
    all.push_back({.text = std::move(name), .is_link = it->is_symlink(unknown)});
    if (all.size() > kMaxFiles)
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("the folder {} has more than {} manifests", folder_, kMaxFiles));
  }
  if (error)
    return fail(
        error == std::errc::no_such_file_or_directory ? ErrorCode::kNotFound : ErrorCode::kIo,
        fmt::format("cannot read the folder {}: {}", folder_, error.message()));
  return all;
}

Result<FolderListing> FolderReader::list() {
  TRY(const std::vector<Name> present, names());
  std::map<std::string, Memory> memories;
  FolderListing listing;
  for (const auto& [name, is_link] : present) {
    auto known = memories_.extract(name);
    Memory& memory = known ? memories.insert(std::move(known)).position->second : memories[name];
    memory.is_link = is_link;
    refresh(name, memory);
    listing.emplace(name, memory.file);
  }
  memories_ = std::move(memories);
  has_links_ = std::ranges::any_of(present, &Name::is_link);
  return listing;
}

bool FolderReader::linksChanged() const {
  return std::ranges::any_of(memories_, [this](const auto& entry) {
    const auto& [name, memory] = entry;
    if (!memory.is_link) return false;
    const FileStamp stamp = stampOf(pathOf(name));
    // It may have changed again at the same time by its stamp: it is read once more.
    const bool proof_is_due = memory.readable && !memory.stamp_is_proof && isOld(stamp);
    return stamp != memory.stamp || proof_is_due;
  });
}

void FolderReader::refresh(const std::string& name, Memory& memory) const {
  const std::string path = pathOf(name);
  const FileStamp stamp = stampOf(path);
  const bool known = memory.file != nullptr;
  if (!known || !memory.stamp_is_proof || stamp != memory.stamp) {
    const auto text = readFile(path, kMaxManifestBytes);
    const auto digest =
        engine::sha256(asBytes(text ? std::string_view(*text) : std::string_view()));
    // A file that cannot be used is read anew each time: the reason may be another one.
    const bool same = known && text && memory.file->spec && digest == memory.digest;
    if (!same)
      memory.file = std::make_shared<const ManifestFile>(parse(text, name, folder_));
    else if (wasWritten(memory.stamp, stamp))
      memory.file = std::make_shared<const ManifestFile>(*memory.file);
    memory.stamp = stamp;
    memory.readable = text.has_value();
    memory.stamp_is_proof = memory.readable && isOld(stamp);
    memory.digest = digest;
  }
  std::vector<FileStamp> components;
  if (memory.file->spec) components = stampsOf(**memory.file->spec);
  if (components == memory.component_stamps) return;
  if (!memory.component_stamps.empty() && memory.file->spec)
    memory.file = std::make_shared<const ManifestFile>(*memory.file);
  memory.component_stamps = std::move(components);
}

}  // namespace nimbus::host
