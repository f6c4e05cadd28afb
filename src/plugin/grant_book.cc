#include "plugin/grant_book.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/files.h"
#include "plugin/folder_lock.h"
#include "plugin/grant_format.h"

namespace nimbus::plugin {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{4} << 20;
constexpr std::size_t kMaxGrants = 10'000;
constexpr const char* kFile = "grants.json";

constexpr const char* kDamagedFile = "grants.json.damaged";

using Grants = std::vector<RecordedGrant>;

bool isDamage(const Error& error) {
  return error.code() == ErrorCode::kInvalidArgument ||
         error.code() == ErrorCode::kResourceExhausted;
}

Result<Grants> read(const std::string& folder) {
  auto text = readFile(folder + "/" + kFile, kMaxFileBytes);
  if (!text && text.error().code() == ErrorCode::kNotFound) return Grants();
  if (!text) return std::unexpected(std::move(text).error());
  return parseGrants(*text);
}

Result<Grants> readForChange(const std::string& folder) {
  auto all = read(folder);
  if (all || !isDamage(all.error())) return all;
  std::error_code error;
  std::filesystem::rename(folder + "/" + kFile, folder + "/" + kDamagedFile, error);
  if (error) return fail(ErrorCode::kIo, folder + "/" + kFile + ": " + error.message());
  return Grants();
}

}  // namespace

Result<std::vector<Grant>> GrantBook::of(const std::string& digest) const {
  const auto all = read(folder_);
  if (!all && !isDamage(all.error())) return std::unexpected(all.error());
  std::vector<Grant> found;
  for (const RecordedGrant& each : all.value_or(Grants())) {
    if (each.plugin.digest == digest) found.push_back(each.grant);
  }
  return found;
}

Result<void> GrantBook::add(const PluginIdentity& plugin, std::vector<Grant> grants) {
  TRY(const auto lock, lockPluginFolder(folder_));
  TRY(auto all, readForChange(folder_));
  for (Grant& grant : grants) {
    RecordedGrant recorded{plugin, std::move(grant)};
    if (std::ranges::find(all, recorded) == all.end()) all.push_back(std::move(recorded));
  }
  if (all.size() > kMaxGrants)
    return fail(ErrorCode::kResourceExhausted, "too many permissions of plugins: revoke some");
  return replaceFileDurably(folder_, kFile, formatGrants(all));
}

Result<std::size_t> GrantBook::revoke(const std::string& plugin_name) {
  TRY(const auto lock, lockPluginFolder(folder_));
  TRY(auto all, readForChange(folder_));
  const auto gone = std::erase_if(
      all, [&](const RecordedGrant& each) { return each.plugin.name == plugin_name; });
  if (gone == 0) return std::size_t{0};
  TRY_VOID(replaceFileDurably(folder_, kFile, formatGrants(all)));
  return gone;
}

Result<void> GrantBook::check() const {
  const auto all = read(folder_);
  if (all) return {};
  return fail(all.error().code(), all.error().describe() +
                                      ": plugins may do nothing that was agreed to; \"wash plugin "
                                      "repair\" begins it anew");
}

Result<void> GrantBook::repair() {
  std::error_code error;
  if (!std::filesystem::exists(folder_, error)) return {};
  TRY(const auto lock, lockPluginFolder(folder_));
  TRY_VOID(readForChange(folder_));
  return {};
}

}  // namespace nimbus::plugin
