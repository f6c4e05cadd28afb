#include "plugin/config_file.h"

#include <filesystem>
#include <utility>

#include "host/files.h"
#include "plugin/json_reader.h"
#include "plugin/json_writer.h"

namespace nimbus::plugin {

namespace {
// Escapes make a text up to six times as long.
constexpr std::size_t kMaxFileBytes = 7 * HookContext::kMaxTotalBytes;
}  // namespace

Result<HookContext::Entries> readConfigFile(const std::string& path) {
  if (path.empty()) return HookContext::Entries();
  auto text = host::readFile(path, kMaxFileBytes);
  if (!text && text.error().code() == ErrorCode::kNotFound) return HookContext::Entries();
  if (!text) return std::unexpected(std::move(text).error());
  TRY(JsonReader in, JsonReader::parse(*text, path));
  HookContext::Entries entries;
  for (auto& [key, value] : in.pairs("values")) entries.emplace(std::move(key), std::move(value));
  TRY_VOID(in.check());
  return entries;
}

Result<void> writeConfigFile(const std::string& path, const HookContext::Entries& entries) {
  JsonWriter values;
  for (const auto& [key, value] : entries) values.text(key, value);
  JsonWriter out;
  out.raw("values", std::move(values).finish());
  const std::filesystem::path file(path);
  return host::replaceFileDurably(file.parent_path(), file.filename(),
                                  std::move(out).finish() + "\n");
}

}  // namespace nimbus::plugin
