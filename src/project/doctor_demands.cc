// Versions that the project itself asks for.

#include <algorithm>

#include <fmt/format.h>

#include "project/doctor.h"

namespace nimbus::project {
namespace {

using Status = Check::Status;

const ToolEntry* entryOf(const ToolchainTable& table, std::string_view tool) {
  const auto found = std::ranges::find(table.tools, tool, &ToolEntry::name);
  return found == table.tools.end() ? nullptr : &*found;
}

// Go's own way out: it fetches the version that it needs, unless it is told not to.
bool fetchesItself(const VersionDemand& demand, const StringMap& environment) {
  if (demand.tool != "go") return false;
  const auto setting = environment.find("GOTOOLCHAIN");
  return setting == environment.end() || setting->second != "local";
}

// Whether a tool of another version refuses, rather than to warn or to say nothing.
bool isEnforced(const VersionDemand& demand) {
  return demand.key != "toolchain" && demand.key != "requires-python" &&
         !demand.key.starts_with("engines.");
}

Check checkDemand(const VersionDemand& demand, const Check& tool, const ToolchainTable& table,
                  const StringMap& environment) {
  Check check{.name = demand.key == "go" ? "go.mod" : demand.key, .required = tool.required};
  const std::string asks =
      fmt::format("{} asks for {} {}", demand.file, demand.tool, demand.wanted);
  if (!demand.range) {
    check.status = Status::kWarning;
    check.message = fmt::format("{}, which says no versions", asks);
    check.fix = fmt::format("correct {} in {}", demand.key, demand.file);
    return check;
  }
  const auto version = ToolVersion::findIn(tool.version);
  if (version && demand.range->contains(*version)) {
    check.message = fmt::format("{}; {} is there", asks, tool.version);
    return check;
  }
  const ToolEntry* entry = entryOf(table, demand.tool);
  check.fix = fmt::format("install that version ({})", entry == nullptr ? "" : entry->install);
  if (fetchesItself(demand, environment)) {
    check.status = Status::kWarning;
    check.message = fmt::format(
        "{}, and this is {}: the build will fetch that version, or fail "
        "where it cannot",
        asks, tool.version);
  } else {
    const bool enforced = isEnforced(demand);
    check.status = tool.required && enforced ? Status::kError : Status::kWarning;
    check.message = fmt::format("{}, and this is {}, which {} refuse to build", asks, tool.version,
                                enforced ? "will" : "may");
  }
  return check;
}

}  // namespace

void checkDemands(const ProjectNeeds& needs, const StringMap& environment,
                  const ToolchainTable& table, std::vector<Check>& into) {
  for (const std::string& problem : needs.problems) {
    into.push_back({.name = "project",
                    .status = Status::kWarning,
                    .message = problem,
                    .fix = "correct the file"});
  }
  std::vector<Check> found;
  for (const VersionDemand& demand : needs.versions) {
    const auto tool = std::ranges::find(into, demand.tool, &Check::name);
    // Of one that is missing, or silent, it has been said.
    if (tool == into.end() || tool->version.empty()) continue;
    found.push_back(checkDemand(demand, *tool, table, environment));
  }
  into.insert(into.end(), found.begin(), found.end());
}

}  // namespace nimbus::project
