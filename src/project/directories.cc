#include "project/directories.h"

#include <cstdlib>

#include <fmt/format.h>

namespace nimbus::project {
namespace {

Result<std::string> locate(const ReadVariable& variable, std::string_view name,
                           std::string_view below_home) {
  if (const auto base = variable(name); base && base->starts_with('/'))
    return fmt::format("{}/wash", *base);
  if (const auto home = variable("HOME"); home && home->starts_with('/'))
    return fmt::format("{}/{}/wash", *home, below_home);
  return fail(
      ErrorCode::kNotFound,
      fmt::format("there is no folder for this user: set HOME or {} to an absolute path", name));
}

}  // namespace

ReadVariable processVariables() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

Result<std::string> findDataFolder(const ReadVariable& variable) {
  return locate(variable, "XDG_DATA_HOME", ".local/share");
}

Result<Directories> findDirectories(const ReadVariable& variable) {
  Directories found;
  TRY(found.data, findDataFolder(variable));
  TRY(found.cache, locate(variable, "XDG_CACHE_HOME", ".cache"));
  TRY(found.config, locate(variable, "XDG_CONFIG_HOME", ".config"));
  found.plugins = found.data + "/plugins";
  return found;
}

}  // namespace nimbus::project
