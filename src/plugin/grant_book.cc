#include "plugin/grant_book.h"

#include <algorithm>
#include <filesystem>
#include <random>
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

bool isDamage(const Error& error) {
  return error.code() == ErrorCode::kInvalidArgument ||
         error.code() == ErrorCode::kResourceExhausted;
}

Result<GrantFile> read(const std::string& folder) {
  auto text = readFile(GrantBook::fileIn(folder), kMaxFileBytes);
  if (!text && text.error().code() == ErrorCode::kNotFound) return GrantFile();
  if (!text) return std::unexpected(std::move(text).error());
  return parseGrants(*text);
}

Result<GrantFile> readForChange(const std::string& folder) {
  auto all = read(folder);
  if (all || !isDamage(all.error())) return all;
  std::error_code error;
  std::filesystem::rename(GrantBook::fileIn(folder), folder + "/" + kDamagedFile, error);
  if (error) return fail(ErrorCode::kIo, GrantBook::fileIn(folder) + ": " + error.message());
  return GrantFile();
}

// A file that is damaged grants nothing.
Result<GrantFile> readUndamaged(const std::string& folder) {
  auto file = read(folder);
  if (!file && isDamage(file.error())) return GrantFile();
  return file;
}

std::vector<Grant> grantsOf(const std::string& digest, const GrantFile& file) {
  std::vector<Grant> found;
  for (const RecordedGrant& each : file.grants)
    if (each.plugin.digest == digest) found.push_back(each.grant);
  return found;
}

auto isOf(const std::string& plugin_name) {
  return [&plugin_name](const RecordedGrant& each) { return each.plugin.name == plugin_name; };
}

}  // namespace

Result<std::vector<Grant>> GrantBook::of(const std::string& digest) const {
  TRY(const GrantFile file, readUndamaged(folder_));
  return grantsOf(digest, file);
}

std::string GrantBook::fileIn(const std::string& folder) { return folder + "/" + kFile; }

FileStamp GrantBook::stamp() const { return stampOf(fileIn(folder_)); }

Result<Agreed> GrantBook::agreedTo(const PluginIdentity& plugin) const {
  const FileStamp as_of = stamp();  // first: what changes meanwhile is looked at again
  TRY(const GrantFile file, readUndamaged(folder_));
  const auto revoked = file.revocations.find(plugin.name);
  return Agreed{.grants = grantsOf(plugin.digest, file),
                .revocation = revoked == file.revocations.end() ? 0 : revoked->second,
                .as_of = as_of};
}

Result<void> GrantBook::add(const PluginIdentity& plugin, std::vector<Grant> grants) {
  TRY(const auto lock, lockPluginFolder(folder_));
  TRY(GrantFile file, readForChange(folder_));
  auto& all = file.grants;
  for (Grant& grant : grants) {
    RecordedGrant recorded{plugin, std::move(grant)};
    if (std::ranges::find(all, recorded) == all.end()) all.push_back(std::move(recorded));
  }
  if (all.size() > kMaxGrants)
    return fail(ErrorCode::kResourceExhausted, "too many permissions of plugins: revoke some");
  return replaceFileDurably(folder_, kFile, formatGrants(file));
}

Result<bool> GrantBook::holds(const std::string& plugin_name) const {
  TRY(const GrantFile file, readUndamaged(folder_));
  return std::ranges::any_of(file.grants, isOf(plugin_name));
}

Result<std::size_t> GrantBook::revoke(const std::string& plugin_name) {
  TRY(const auto lock, lockPluginFolder(folder_));
  TRY(GrantFile file, readForChange(folder_));
  const std::size_t gone = std::erase_if(file.grants, isOf(plugin_name));
  // The first number is any: that of a file which was begun anew is not the one that was seen.
  const auto [count, is_new] = file.revocations.try_emplace(plugin_name, std::random_device()());
  count->second += 1;
  TRY_VOID(replaceFileDurably(folder_, kFile, formatGrants(file)));
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
