#include "plugin/plugin_lock.h"

#include <algorithm>
#include <utility>

#include "plugin/json_reader.h"
#include "plugin/json_writer.h"
#include "plugin/plugin_info.h"

namespace nimbus::plugin {
namespace {

constexpr std::string_view kPrefix = "sha256:";
constexpr std::size_t kHexDigits = 64;
constexpr std::size_t kShownDigits = 16;

}  // namespace

bool isDigest(std::string_view text) {
  if (!text.starts_with(kPrefix) || text.size() != kPrefix.size() + kHexDigits) return false;
  return text.find_first_not_of("0123456789abcdef", kPrefix.size()) == std::string_view::npos;
}

std::string LockEntry::fileName() const {
  return fileStem(name) + "-" + digest.substr(kPrefix.size(), kShownDigits);
}

std::string formatLock(std::vector<LockEntry> entries) {
  std::ranges::sort(entries, {}, &LockEntry::name);
  JsonWriter out;
  out.number("version", 1);
  out.list("plugins", entries, [](const LockEntry& entry, JsonWriter& item) {
    item.text("name", entry.name).text("digest", entry.digest).text("source", entry.source);
    item.number("bytes", entry.bytes);
  });
  return std::move(out).finish() + "\n";
}

Result<std::vector<LockEntry>> parseLock(std::string_view text) {
  TRY(JsonReader in, JsonReader::parse(text, "the plugins' lock file"));
  if (in.number("version") != 1) in.fail("version", "1, the only one known here");
  std::vector<LockEntry> entries;
  for (JsonReader& each : in.objects("plugins")) {
    LockEntry& entry = entries.emplace_back();
    entry.name = each.text("name");
    entry.digest = each.text("digest");
    entry.source = each.text("source");
    entry.bytes = each.number("bytes");
    if (!isName(entry.name)) each.fail("name", "a plugin's name");
    if (!isDigest(entry.digest)) each.fail("digest", "a digest");
  }
  TRY_VOID(in.check());
  std::ranges::sort(entries, {}, &LockEntry::name);
  if (std::ranges::adjacent_find(entries, {}, &LockEntry::name) != entries.end())
    return fail(ErrorCode::kInvalidArgument, "the plugins' lock file names one twice");
  return entries;
}

}  // namespace nimbus::plugin
