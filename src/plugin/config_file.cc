#include "plugin/config_file.h"

#include <filesystem>
#include <utility>

#include "base/files.h"
#include "plugin/folder_lock.h"
#include "plugin/json_reader.h"
#include "plugin/json_writer.h"

namespace nimbus::plugin {

namespace {
// Escapes make a text up to six times as long.
constexpr std::size_t kMaxFileBytes = 7 * HookContext::kMaxTotalBytes;
}  // namespace

Result<HookContext::Entries> readConfigFile(const std::string& path) {
  if (path.empty()) return HookContext::Entries();
  auto text = readFile(path, kMaxFileBytes);
  if (!text && text.error().code() == ErrorCode::kNotFound) return HookContext::Entries();
  if (!text) return std::unexpected(std::move(text).error());
  TRY(JsonReader in, JsonReader::parse(*text, path));
  HookContext::Entries entries;
  for (auto& [key, value] : in.pairs("values")) entries.emplace(std::move(key), std::move(value));
  TRY_VOID(in.check());
  return entries;
}

ConfigChanges changesBetween(const HookContext::Entries& before,
                             const HookContext::Entries& after) {
  ConfigChanges changes;
  for (const auto& [key, value] : after) {
    const auto found = before.find(key);
    if (found == before.end() || found->second != value) changes.emplace(key, value);
  }
  for (const auto& [key, value] : before) {
    if (!after.contains(key)) changes.emplace(key, std::nullopt);
  }
  return changes;
}

Result<void> changeConfigFile(const std::string& path, const ConfigChanges& changes) {
  if (path.empty() || changes.empty()) return {};
  const std::filesystem::path file(path);
  TRY(const auto lock, lockPluginFolder(file.parent_path().string()));
  TRY(HookContext::Entries entries, readConfigFile(path));
  HookContext kept(std::move(entries));
  for (const auto& [key, value] : changes) {
    if (value) {
      TRY_VOID(kept.set(key, *value));
    } else {
      kept.erase(key);
    }
  }
  JsonWriter values;
  for (const auto& [key, value] : kept.below("")) values.text(key, value);
  JsonWriter out;
  out.raw("values", std::move(values).finish());
  // Under the lock nobody else has a temporary file of that name.
  return replaceFileDurably(file.parent_path(), file.filename(), std::move(out).finish() + "\n");
}

}  // namespace nimbus::plugin
