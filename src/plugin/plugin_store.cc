#include "plugin/plugin_store.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"
#include "engine/digest.h"
#include "plugin/folder_lock.h"
#include "plugin/info_json.h"
#include "plugin/plugin_folders.h"

namespace nimbus::plugin {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLockFile = "plugins.lock";
constexpr std::size_t kMaxLockBytes = std::size_t{4} << 20;
constexpr std::size_t kMaxPlugins = 1000;

// Its names as plugin and as file, in small letters.
std::vector<std::string> namesOf(std::string_view name) {
  return {lowerAscii(name), lowerAscii(fileStem(name))};
}

// All words by which a plugin is called, in small letters.
std::vector<std::string> claims(const PluginInfo& info) {
  std::vector<std::string> all = namesOf(info.metadata.name);
  for (const std::string& word : commandWords(info)) all.push_back(lowerAscii(word));
  return all;
}

std::unexpected<Error> notInstalled(std::string_view name, const std::vector<LockEntry>& entries) {
  std::vector<std::string_view> names;
  for (const LockEntry& entry : entries) names.push_back(entry.name);
  std::string message = fmt::format("no plugin {} is installed", name);
  if (const auto nearest = nearestKey(name, names))
    message += fmt::format("; did you mean \"{}\"?", *nearest);
  return fail(ErrorCode::kNotFound, std::move(message));
}

// A binary that went, or was cut off, behind the lock file. What is in it is checked when it runs.
Result<void> checkBinary(const std::string& path, std::uint64_t bytes) {
  std::error_code error;
  const std::uintmax_t actual = fs::file_size(path, error);
  if (error) return fail(ErrorCode::kNotFound, path + ": " + error.message());
  if (actual == bytes) return {};
  return fail(ErrorCode::kPermissionDenied, path + " is not what was installed");
}

}  // namespace

std::string PluginStore::Problem::describe() const {
  if (plugin.empty()) return reason;
  return fmt::format("plugin {} is left out: {}; install it again", plugin, reason);
}

Result<std::vector<LockEntry>> PluginStore::readLock() const {
  auto text = readFile(folder_ + "/" + kLockFile, kMaxLockBytes);
  if (text) return parseLock(*text);
  // For a user without a home there is no folder either.
  std::error_code error;
  if (text.error().code() == ErrorCode::kNotFound || !fs::is_directory(folder_, error))
    return std::vector<LockEntry>();
  return std::unexpected(std::move(text).error());
}

Result<std::vector<LockEntry>> PluginStore::entries() const {
  auto read = readLock();
  std::error_code error;
  if (read && (fs::exists(lockFile(), error) || !holdsPlugins(folder_))) return read;
  const std::string what =
      read ? lockFile() + " is not there, though plugins are" : read.error().describe();
  return fail(read ? ErrorCode::kNotFound : read.error().code(),
              what + "; \"wash plugin repair\" makes the list of plugins again");
}

Result<RecoveredLock> PluginStore::repair() {
  RecoveredLock recovered;
  std::error_code error;
  if (!fs::exists(folder_, error)) return recovered;
  TRY(const auto lock, lockPluginFolder(folder_));
  if (auto whole = entries()) {
    recovered.entries = *std::move(whole);
    return recovered;
  }
  recovered = recoverLock(folder_);
  if (fs::exists(lockFile(), error)) {
    fs::rename(lockFile(), folder_ + "/" + kDamagedLockFile, error);
    if (error) return fail(ErrorCode::kIo, lockFile() + ": " + error.message());
  }
  TRY_VOID(replaceFileDurably(folder_, kLockFile, formatLock(recovered.entries)));
  return recovered;
}

Plugin PluginStore::placed(const LockEntry& entry, PluginInfo info) const {
  const std::string stem = fileStem(entry.name);
  return {.info = std::move(info),
          .digest = entry.digest,
          .wasm_path = folder_ + "/" + entry.fileName() + ".wasm",
          .scratch_folder = scratchFolders() + "/" + stem,
          .config_path = folder_ + "/" + stem + ".config.json"};
}

Result<InstalledPlugin> PluginStore::read(const LockEntry& entry) const {
  TRY(const std::string text,
      readFile(folder_ + "/" + entry.fileName() + ".json", kMaxInfoFileBytes));
  TRY(PluginInfo info, parseInfoJson(text));
  if (info.metadata.name != entry.name)
    return fail(ErrorCode::kInvalidArgument, "its information is of another plugin");
  InstalledPlugin installed{placed(entry, std::move(info)), entry.source, entry.bytes};
  TRY_VOID(checkBinary(installed.plugin.wasm_path, entry.bytes));
  return installed;
}

PluginStore::Listing PluginStore::list() const {
  Listing listing;
  const auto entries = this->entries();
  if (!entries) {
    listing.problems.push_back({.plugin = {}, .reason = entries.error().describe()});
    return listing;
  }
  for (const LockEntry& entry : *entries) {
    auto plugin = read(entry);
    if (plugin) {
      listing.plugins.push_back(*std::move(plugin));
    } else {
      listing.problems.push_back({entry.name, plugin.error().describe()});
    }
  }
  return listing;
}

Result<InstalledPlugin> PluginStore::find(std::string_view name) const {
  TRY(const auto entries, this->entries());
  const auto found = std::ranges::find(entries, name, &LockEntry::name);
  if (found == entries.end()) return notInstalled(name, entries);
  return read(*found);
}

Result<void> PluginStore::checkNames(const Request& request,
                                     const std::vector<LockEntry>& entries) const {
  const std::string& name = request.info.metadata.name;
  const std::vector<std::string> wanted = claims(request.info);
  const auto taken = [&](std::string_view word) {
    return std::ranges::find(wanted, lowerAscii(word)) != wanted.end();
  };
  for (const std::string& word : request.reserved) {
    if (taken(word)) {
      return fail(ErrorCode::kAlreadyExists,
                  fmt::format("plugin {}: \"{}\" is a command of wash itself", name, word));
    }
  }
  for (const LockEntry& other : entries) {
    if (other.name == name) continue;
    // One that is damaged keeps its name, and thereby its files.
    const auto installed = read(other);
    for (const std::string& word :
         installed ? claims(installed->plugin.info) : namesOf(other.name)) {
      if (taken(word)) {
        return fail(ErrorCode::kAlreadyExists,
                    fmt::format("plugin {}: \"{}\" is taken by plugin {}", name, word, other.name));
      }
    }
  }
  return {};
}

Result<InstalledPlugin> PluginStore::install(const Request& request) {
  TRY_VOID(checkInfo(request.info));
  TRY(const auto lock, lockPluginFolder(folder_));
  removeWhatIsLeft();
  TRY(std::vector<LockEntry> entries, this->entries());
  removeUnnamedFiles(folder_, entries);
  const std::string& name = request.info.metadata.name;
  const auto existing = std::ranges::find(entries, name, &LockEntry::name);
  if (existing != entries.end() && request.existing == Existing::kRefuse) {
    return fail(ErrorCode::kAlreadyExists,
                fmt::format("plugin {} is installed already: --force replaces it", name));
  }
  TRY_VOID(checkNames(request, entries));
  if (entries.size() >= kMaxPlugins)
    return fail(ErrorCode::kResourceExhausted, "too many plugins are installed");
  const ByteView wasm = request.wasm.view();
  const LockEntry entry{name, engine::digestText(engine::sha256(wasm)), request.source,
                        wasm.size()};
  TRY_VOID(removeLeftFolder(placed(entry, {}).scratch_folder));
  std::optional<LockEntry> previous;
  if (existing != entries.end()) previous = *existing;
  std::erase_if(entries, [&](const LockEntry& each) { return each.name == name; });
  entries.push_back(entry);
  if (auto written = writeFiles(entry, request, std::move(entries)); !written) {
    const auto installed = readLock();
    if (installed &&
        std::ranges::find(*installed, entry.fileName(), &LockEntry::fileName) == installed->end())
      removeFiles(entry);
    return std::unexpected(std::move(written).error());
  }
  if (previous && previous->fileName() != entry.fileName()) removeFiles(*previous);
  return InstalledPlugin{placed(entry, request.info), entry.source, entry.bytes};
}

Result<void> PluginStore::writeFiles(const LockEntry& entry, const Request& request,
                                     std::vector<LockEntry> entries) const {
  const std::string name = entry.fileName();
  // Without any list, files of plugins that are not whole yet could be those of a list that is
  // lost.
  std::error_code error;
  if (!fs::exists(lockFile(), error))
    TRY_VOID(replaceFileDurably(folder_, kLockFile, formatLock({})));
  TRY_VOID(replaceFileDurably(folder_, name + ".wasm", asText(request.wasm.view())));
  TRY_VOID(replaceFileDurably(folder_, name + ".json", infoJson(request.info) + "\n"));
  return replaceFileDurably(folder_, kLockFile, formatLock(std::move(entries)));
}

void PluginStore::removeFiles(const LockEntry& entry) const {
  // Without the lock file's word they are nothing: what cannot be deleted does no harm.
  std::error_code ignored;
  for (const char* extension : {".wasm", ".json"})
    fs::remove(folder_ + "/" + entry.fileName() + extension, ignored);
}

Result<void> PluginStore::uninstall(std::string_view name, Data data) {
  TRY(const auto lock, lockPluginFolder(folder_));
  removeWhatIsLeft();
  TRY(std::vector<LockEntry> entries, this->entries());
  removeUnnamedFiles(folder_, entries);
  const auto found = std::ranges::find(entries, name, &LockEntry::name);
  if (found == entries.end()) return notInstalled(name, entries);
  const LockEntry entry = *found;
  entries.erase(found);
  const std::string rest = formatLock(std::move(entries));
  if (!replaceFileDurably(folder_, kLockFile, rest)) {
    // A full disk has room for it once the binary is gone. What is named without one is left out,
    // and can be removed in the same way.
    removeFiles(entry);
    TRY_VOID(replaceFileDurably(folder_, kLockFile, rest));
  }
  removeFiles(entry);
  if (data == Data::kKeep) return {};
  const Plugin plugin = placed(entry, {});
  // What may be secret goes first.
  std::error_code error;
  fs::remove(plugin.config_path, error);
  if (error) return fail(ErrorCode::kIo, plugin.config_path + ": " + error.message());
  return removeFolder(plugin.scratch_folder);
}

void PluginStore::removeWhatIsLeft() const {
  // What cannot be deleted now is tried again.
  static_cast<void>(removeLeftFolders(scratchFolders()));
}

void PluginStore::clean() {
  if (!anyFolderIsLeft(scratchFolders())) return;
  if (const auto lock = lockPluginFolder(folder_)) removeWhatIsLeft();
}

}  // namespace nimbus::plugin
