#include "project/project_world.h"

#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "bindgen/wit_files.h"
#include "wit/conformance.h"
#include "wit/tools.h"

namespace nimbus::project {

Result<ProjectWorld> readProjectWorld(const std::filesystem::path& wit, std::string_view name) {
  std::error_code error;
  if (!std::filesystem::exists(wit, error))
    return fail(ErrorCode::kNotFound, wit.string() + " does not exist");
  TRY(wit::Document document, bindgen::loadWit(wit));
  const auto index = wit::findWorld(document, name);
  if (!index) {
    const std::string hint = name.empty() ? " (build.world in .wash/config.yaml names it)" : "";
    return fail(index.error().code(),
                fmt::format("{}: {}{}", wit.string(), index.error().message(), hint));
  }
  std::string found = name.empty() ? document.at(*index).name : std::string(name);
  return ProjectWorld{std::move(found), std::move(document), *index};
}

Result<std::vector<std::string>> worldProblems(const ProjectWorld& world, ByteView component,
                                               const std::filesystem::path& wit) {
  TRY(const std::string json, wit::worldJson(component));
  TRY(const wit::Document have, wit::readDocument(json));
  return wit::conformanceProblems(have, world.document, world.index,
                                  fmt::format("world {} of {}", world.name, wit.string()));
}

}  // namespace nimbus::project
