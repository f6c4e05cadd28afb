#include "plugin/lock_recovery.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "base/bytes.h"
#include "base/files.h"
#include "engine/digest.h"
#include "plugin/info_json.h"
#include "plugin/plugin_binary.h"

namespace nimbus::plugin {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kInfoExtension = ".json";
constexpr std::string_view kBinaryExtension = ".wasm";
constexpr std::string_view kConfigExtension = ".config.json";
constexpr std::size_t kDigits = 16;
constexpr const char* kSource = "(recovered)";

// "NAME-DIGEST" of "NAME-DIGEST.json", if that is the extension; empty for every other file.
std::string stemOf(const fs::path& file, std::string_view extension) {
  const std::string name = file.filename().string();
  if (!name.ends_with(extension) || name.ends_with(kConfigExtension)) return {};
  std::string stem = name.substr(0, name.size() - extension.size());
  if (stem.size() < kDigits + 2 || stem[stem.size() - kDigits - 1] != '-') return {};
  const std::string_view digits = std::string_view(stem).substr(stem.size() - kDigits);
  if (digits.find_first_not_of("0123456789abcdef") != std::string_view::npos) return {};
  return stem;
}

std::vector<std::string> stemsIn(const std::string& folder) {
  std::vector<std::string> stems;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (std::string stem = stemOf(at->path(), kInfoExtension); !stem.empty())
      stems.push_back(std::move(stem));
  std::ranges::sort(stems);
  return stems;
}

Result<LockEntry> entryOf(const std::string& folder, const std::string& stem) {
  TRY(const std::string text,
      readFile(folder + "/" + stem + std::string(kInfoExtension), kMaxInfoFileBytes));
  TRY(const PluginInfo info, parseInfoJson(text));
  TRY(const std::string wasm,
      readFile(folder + "/" + stem + std::string(kBinaryExtension), kMaxPluginBytes));
  LockEntry entry{info.metadata.name, engine::digestText(engine::sha256(asBytes(wasm))), kSource,
                  wasm.size()};
  if (entry.fileName() == stem) return entry;
  return fail(ErrorCode::kPermissionDenied, "it is not what was installed");
}

}  // namespace

bool holdsPlugins(const std::string& folder) { return !stemsIn(folder).empty(); }

void removeUnnamedFiles(const std::string& folder, const std::vector<LockEntry>& entries) {
  const auto isLeft = [&](const fs::path& file) {
    if (file.filename().string().ends_with(kTemporarySuffix)) return true;
    std::string stem = stemOf(file, kInfoExtension);
    if (stem.empty()) stem = stemOf(file, kBinaryExtension);
    return !stem.empty() && std::ranges::find(entries, stem, &LockEntry::fileName) == entries.end();
  };
  std::vector<fs::path> left;
  std::error_code error;
  // What a recovered list left out may be readable again.
  if (fs::exists(fs::path(folder) / kDamagedLockFile, error)) return;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (isLeft(at->path())) left.push_back(at->path());
  for (const fs::path& file : left) fs::remove(file, error);
}

RecoveredLock recoverLock(const std::string& folder) {
  RecoveredLock recovered;
  const auto writtenAt = [&](const LockEntry& entry) {
    return stampOf(folder + "/" + entry.fileName() + ".wasm").modified_ns;
  };
  std::map<std::string, LockEntry> found;
  for (const std::string& stem : stemsIn(folder)) {
    auto entry = entryOf(folder, stem);
    if (!entry) {
      recovered.left_out.push_back({stem, entry.error().describe()});
      continue;
    }
    const auto [known, added] = found.try_emplace(entry->name, *entry);
    if (added) continue;
    if (writtenAt(known->second) < writtenAt(*entry)) std::swap(known->second, *entry);
    recovered.left_out.push_back({entry->fileName(), "there is a newer one"});
  }
  for (auto& [name, entry] : found) recovered.entries.push_back(std::move(entry));
  return recovered;
}

}  // namespace nimbus::plugin
