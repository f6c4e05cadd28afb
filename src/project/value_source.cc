#include "project/value_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/files.h"
#include "project/variable_file.h"

namespace nimbus::project {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxFolderEntries = 1024;

std::string ownerOf(std::string_view kind, const std::string& name) {
  return fmt::format("{}.{}", kind, name);
}

// The path from the project's folder, or nothing if it leads out of it.
std::optional<fs::path> within(const std::string& folder, const std::string& path) {
  const fs::path whole = (fs::path(folder) / path).lexically_normal();
  const fs::path relative = whole.lexically_relative(fs::path(folder).lexically_normal());
  if (relative.empty() || relative.begin()->string() == "..") return std::nullopt;
  return relative;
}

// Opens what stands at `relative` below `folder`, step by step and through no link.
Result<UniqueFd> openWithin(const std::string& folder, const fs::path& relative, int flags) {
  UniqueFd at(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!at.valid()) return failErrno(folder, errno);
  const auto last = std::prev(relative.end());
  for (auto step = relative.begin(); step != relative.end(); ++step) {
    const int step_flags = step == last ? flags : O_PATH | O_DIRECTORY;
    UniqueFd next(::openat(at.get(), step->c_str(), step_flags | O_NOFOLLOW | O_CLOEXEC));
    if (!next.valid()) {
      const std::string path = (fs::path(folder) / relative).string();
      if (errno == ELOOP || (errno == ENOTDIR && step != last))
        return fail(ErrorCode::kPermissionDenied,
                    fmt::format("{} leads through a link, which is not followed", path));
      if (errno == ENOENT) return fail(ErrorCode::kNotFound, path + " does not exist");
      return failErrno(path, errno);
    }
    at = std::move(next);
  }
  return at;
}

// On the opened file, so that nobody changes it in between.
Result<void> checkSecretMode(const UniqueFd& file, const std::string& path) {
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return failErrno(path, errno);
  const unsigned mode = status.st_mode & 07777;
  if (mode == 0600 || mode == 0400) return {};
  return fail(ErrorCode::kPermissionDenied,
              fmt::format("{} has mode {:04o}, and others could read the secret: chmod 600 {}",
                          path, mode, path));
}

// An entry of a folder: itself, or what a link that stays in the folder leads to.
Result<UniqueFd> openEntry(const fs::path& folder, const fs::path& entry) {
  std::error_code error;
  const fs::path target = fs::canonical(entry, error);
  if (error) return fail(ErrorCode::kIo, fmt::format("{}: {}", entry.string(), error.message()));
  const auto relative = within(folder.string(), target.string());
  if (!relative)
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("{} is a link that leads out of its folder", entry.string()));
  return openWithin(folder.string(), *relative, O_RDONLY | O_NONBLOCK);
}

}  // namespace

ValueResolver::ValueResolver(std::string project_folder, ReadVariable variable,
                             ProcessRunner& runner)
    : folder_(std::move(project_folder)), variable_(std::move(variable)), runner_(runner) {}

Result<ResolvedValues> ValueResolver::resolve(const std::string& owner, const ValueLayer& layer,
                                              const ProjectConfig& config) {
  ResolvedValues resolved;
  resolved.values = layer.config;
  for (const std::string& name : layer.config_from) {
    const auto source = config.configs.find(name);
    if (source == config.configs.end())
      return fail(ErrorCode::kNotFound,
                  fmt::format("{}: there is no {} in configs", owner, inQuotes(name)));
    TRY_VOID(add(ownerOf("configs", name), source->second, Care::kConfig, resolved));
  }
  for (const std::string& name : layer.secret_from) {
    const auto source = config.secrets.find(name);
    if (source == config.secrets.end())
      return fail(ErrorCode::kNotFound,
                  fmt::format("{}: there is no {} in secrets", owner, inQuotes(name)));
    TRY_VOID(add(ownerOf("secrets", name), source->second, Care::kSecret, resolved));
  }
  return resolved;
}

Result<void> ValueResolver::add(const std::string& name, const ValueSource& source, Care care,
                                ResolvedValues& into) {
  for (const auto& [key, value] : source.inline_values) into.values[key] = value;
  if (!source.file.empty()) TRY_VOID(addFile(name, source.file, care, into));
  if (!source.dir.empty()) TRY_VOID(addFolder(name, source.dir, care, into));
  for (const std::string& variable : source.from_env) {
    auto value = variable_(variable);
    if (!value)
      return fail(ErrorCode::kNotFound,
                  fmt::format("{}.fromEnv: the variable {} is not set", name, inQuotes(variable)));
    into.values[variable] = *std::move(value);
  }
  return {};
}

Result<void> ValueResolver::addFile(const std::string& name, const std::string& path, Care care,
                                    ResolvedValues& into) {
  const auto relative = within(folder_, path);
  if (!relative)
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("{}.file: {} is not within the project", name, inQuotes(path)));
  const std::string file = (fs::path(folder_) / *relative).string();
  into.files.push_back(file);
  TRY(const UniqueFd opened, openWithin(folder_, *relative, O_RDONLY | O_NONBLOCK));
  if (care == Care::kSecret) {
    TRY_VOID(checkSecretMode(opened, file));
    warnIfTracked(name, file, into);
  }
  TRY(const std::string content, readFile(opened, file, kMaxFileBytes));
  TRY(StringMap values, parseVariableFile(content, file));
  for (auto& [key, value] : values) into.values[key] = std::move(value);
  return {};
}

Result<void> ValueResolver::addFolder(const std::string& name, const std::string& path, Care care,
                                      ResolvedValues& into) {
  const auto relative = within(folder_, path);
  if (!relative)
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("{}.dir: {} is not within the project", name, inQuotes(path)));
  const fs::path listed = fs::path(folder_) / *relative;
  into.files.push_back(listed.string());
  TRY_VOID(openWithin(folder_, *relative, O_PATH | O_DIRECTORY));

  std::error_code error;
  const fs::path folder = fs::canonical(listed, error);
  std::vector<fs::path> entries;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (!it->path().filename().string().starts_with('.')) entries.push_back(it->path());
  if (error) return fail(ErrorCode::kIo, fmt::format("{}: {}", listed.string(), error.message()));
  if (entries.size() > kMaxFolderEntries)
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("{} has more than {} entries", listed.string(), kMaxFolderEntries));
  std::ranges::sort(entries);
  for (const fs::path& entry : entries) {
    if (fs::is_directory(entry, error)) continue;
    TRY(const UniqueFd opened, openEntry(folder, entry));
    if (care == Care::kSecret) TRY_VOID(checkSecretMode(opened, entry.string()));
    TRY(into.values[entry.filename().string()], readFile(opened, entry.string(), kMaxFileBytes));
  }
  return {};
}

// One `git check-ignore`: 0 says ignored, 128 that there is no repository here.
void ValueResolver::warnIfTracked(const std::string& name, const std::string& file,
                                  ResolvedValues& into) {
  ProcessSpec spec{.arguments = {"git", "-C", folder_, "check-ignore", "--quiet", "--", file}};
  spec.timeout = std::chrono::seconds(5);
  const auto outcome = runner_.run(spec);
  if (!outcome || outcome->exit_status != 1) return;
  into.warnings.push_back(
      fmt::format("{}: {} stands in a git repository that does not ignore it; a commit would "
                  "publish the secret",
                  name, file));
}

}  // namespace nimbus::project
