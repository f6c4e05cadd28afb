#include "project/project_world.h"

#include <algorithm>
#include <system_error>
#include <variant>

#include <fmt/format.h>

#include "bindgen/wit_files.h"
#include "wit/document.h"
#include "wit/interface_name.h"

namespace nimbus::project {

namespace {

std::string nameOf(const wit::Document& document, const wit::WorldItem& item) {
  if (const auto* interface = std::get_if<wit::InterfaceIndex>(&item.item)) {
    const std::string full = document.fullName(*interface);
    return full.empty() ? item.key : full;
  }
  if (const auto* function = std::get_if<wit::Function>(&item.item)) return function->name;
  return {};
}

bool provides(std::string_view have, const wit::InterfaceName& wanted) {
  return wit::interfaceMatches(wanted.interface, wanted.version, have);
}

}  // namespace

Result<ProjectWorld> readProjectWorld(const std::filesystem::path& wit) {
  std::error_code error;
  if (!std::filesystem::exists(wit, error))
    return fail(ErrorCode::kNotFound, wit.string() + " does not exist");
  TRY(const wit::Document document, bindgen::loadWit(wit));
  if (!document.main_world)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} must have one world; it has none or several", wit.string()));
  const wit::World& main = document.at(*document.main_world);
  ProjectWorld world{.name = main.name, .exports = {}};
  for (const wit::WorldItem& item : main.exports) {
    if (std::string name = nameOf(document, item); !name.empty()) {
      world.exports.push_back(std::move(name));
    }
  }
  return world;
}

std::vector<std::string> missingExports(const ProjectWorld& world,
                                        const std::vector<std::string>& exports) {
  std::vector<std::string> missing;
  for (const std::string& name : world.exports) {
    const wit::InterfaceName wanted = wit::parseInterfaceName(name);
    const bool there = std::ranges::any_of(
        exports, [&](const std::string& have) { return provides(have, wanted); });
    if (!there) missing.push_back(name);
  }
  return missing;
}

}  // namespace nimbus::project
