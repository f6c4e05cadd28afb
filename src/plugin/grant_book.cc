#include "plugin/grant_book.h"

#include <algorithm>
#include <utility>

#include "host/files.h"
#include "plugin/folder_lock.h"
#include "plugin/grant_format.h"

namespace nimbus::plugin {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{4} << 20;
constexpr std::size_t kMaxGrants = 10'000;
constexpr const char* kFile = "grants.json";

Result<std::vector<RecordedGrant>> read(const std::string& folder) {
  auto text = host::readFile(folder + "/" + kFile, kMaxFileBytes);
  if (!text && text.error().code() == ErrorCode::kNotFound) return std::vector<RecordedGrant>();
  if (!text) return std::unexpected(std::move(text).error());
  return parseGrants(*text);
}

}  // namespace

Result<std::vector<Grant>> GrantBook::of(const std::string& digest) const {
  TRY(const auto all, read(folder_));
  std::vector<Grant> found;
  for (const RecordedGrant& each : all) {
    if (each.plugin.digest == digest) found.push_back(each.grant);
  }
  return found;
}

Result<void> GrantBook::add(const PluginIdentity& plugin, std::vector<Grant> grants) {
  TRY(const auto lock, lockFolder(folder_));
  TRY(auto all, read(folder_));
  for (Grant& grant : grants) {
    RecordedGrant recorded{plugin, std::move(grant)};
    if (std::ranges::find(all, recorded) == all.end()) all.push_back(std::move(recorded));
  }
  if (all.size() > kMaxGrants)
    return fail(ErrorCode::kResourceExhausted, "too many permissions of plugins: revoke some");
  return host::replaceFileDurably(folder_, kFile, formatGrants(all));
}

Result<std::size_t> GrantBook::revoke(const std::string& plugin_name) {
  TRY(const auto lock, lockFolder(folder_));
  TRY(auto all, read(folder_));
  const auto gone = std::erase_if(
      all, [&](const RecordedGrant& each) { return each.plugin.name == plugin_name; });
  if (gone == 0) return std::size_t{0};
  TRY_VOID(host::replaceFileDurably(folder_, kFile, formatGrants(all)));
  return gone;
}

}  // namespace nimbus::plugin
