#include "wash/setup/doctor_plugins.h"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/text.h"
#include "plugin/grant_book.h"
#include "plugin/plugin_binary.h"

namespace nimbus::wash {
namespace {

using project::Check;
using Status = Check::Status;
namespace types = plugin::types;

// Keys that hooks before doctor may set: "doctor.check.NAME" = "ok|warning|error: message".
constexpr std::string_view kContextChecks = "doctor.check.";
// Of one plugin, and of each text.
constexpr std::size_t kMaxFindings = 64;
constexpr std::size_t kMaxShownBytes = 1024;

std::string printable(std::string_view text) { return escaped(text.substr(0, kMaxShownBytes)); }

// What hooks found.
void addFromContext(const plugin::HookContext& context, std::vector<Check>& into) {
  for (const auto& [name, value] : context.below(kContextChecks)) {
    Check check{.name = printable(name), .message = printable(value)};
    if (const auto parts = splitOnce(value, ':')) {
      const std::string_view status = trim(parts->first);
      if (status == "warning") check.status = Status::kWarning;
      if (status == "error") check.status = Status::kError;
      check.required = check.status == Status::kError;
      if (status == "ok" || check.status != Status::kOk)
        check.message = printable(trim(parts->second));
    }
    into.push_back(std::move(check));
  }
}

void addProblem(const plugin::PluginStore::Problem& problem, std::vector<Check>& into) {
  Check check{.name = "plugins", .status = Status::kWarning, .message = printable(problem.reason)};
  if (!problem.plugin.empty()) {
    check.name = "plugin " + problem.plugin;
    check.message = "is left out: " + check.message;
    check.fix = "wash plugin uninstall " + problem.plugin + ", or install it again";
  } else {
    check.fix = "wash plugin repair";
  }
  into.push_back(std::move(check));
}

bool addHealth(const plugin::Plugin& plugin, std::vector<Check>& into) {
  Check check{.name = "plugin " + plugin.name(),
              .version = printable(plugin.info.metadata.version)};
  const auto binary = plugin::readBinary(plugin);
  if (!binary) {
    check.status = Status::kWarning;
    check.message = printable(binary.error().describe());
    check.fix = "wash plugin uninstall " + plugin.name() + ", or install it again";
  }
  into.push_back(std::move(check));
  return binary.has_value();
}

Check checkOf(const plugin::Plugin& plugin, const types::Finding& finding) {
  Check check{.name = plugin.name() + "/" + printable(finding.subject),
              .message = printable(finding.message)};
  if (finding.severity == types::Severity::kWarning) check.status = Status::kWarning;
  if (finding.severity == types::Severity::kError) check.status = Status::kError;
  check.required = check.status == Status::kError;
  check.fix = printable(finding.fix.value_or(""));
  return check;
}

void addItsChecks(const plugin::Plugin& plugin, plugin::PluginRuntime& runtime,
                  plugin::HookContext& context, std::vector<Check>& into) {
  const auto found = runtime.check(plugin, context);
  if (!found) {
    into.push_back({.name = "plugin " + plugin.name(),
                    .status = Status::kWarning,
                    .message = "its checks failed: " + printable(found.error().describe()),
                    .fix = "wash plugin uninstall " + plugin.name() + ", or a newer version"});
    return;
  }
  const std::size_t shown = std::min(found->size(), kMaxFindings);
  for (std::size_t i = 0; i < shown; ++i) into.push_back(checkOf(plugin, (*found)[i]));
  if (shown == found->size()) return;
  into.push_back({.name = "plugin " + plugin.name(),
                  .status = Status::kWarning,
                  .message = fmt::format("{} more of its findings", found->size() - shown)});
}

}  // namespace

void addPluginChecks(Plugins& plugins, plugin::HookContext& context, std::vector<Check>& into) {
  for (const auto& problem : plugins.problems()) addProblem(problem, into);
  if (const auto whole = plugin::GrantBook(plugins.store().folder()).check(); !whole)
    addProblem({.plugin = {}, .reason = whole.error().describe()}, into);
  for (const plugin::InstalledPlugin& each : plugins.installed()) {
    if (!addHealth(each.plugin, into) || !each.plugin.info.metadata.checks) continue;
    if (const auto runtime = plugins.runtime()) {
      addItsChecks(each.plugin, **runtime, context, into);
    } else {
      into.push_back({.name = "plugin " + each.plugin.name(),
                      .status = Status::kWarning,
                      .message = printable(runtime.error().describe())});
    }
  }
  addFromContext(context, into);
}

}  // namespace nimbus::wash
