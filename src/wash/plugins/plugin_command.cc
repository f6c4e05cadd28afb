// `wash plugin install|uninstall|list|info|revoke|test`.

#include <algorithm>
#include <iostream>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "base/escape.h"
#include "plugin/info_json.h"
#include "wash/plugins/data_folder.h"
#include "wash/plugins/plugin_commands.h"
#include "wash/plugins/plugin_source.h"
#include "wash/plugins/plugin_text.h"
#include "wash/plugins/plugin_trial.h"
#include "wash/terminal/interrupt.h"

namespace nimbus::wash {
namespace {

using plugin::InstalledPlugin;
using plugin::PluginStore;

struct InstallFlags {
  std::string source;
  std::string digest;
  bool force = false;
  bool yes = false;
  ReferenceFlags registries{.registry = {}, .pull_policy = oci::PullPolicy::kAlways};
};

// Shows what the plugin declares, and asks for it.
Result<std::vector<plugin::Need>> settleNeeds(const InstalledPlugin& installed,
                                              const InstallFlags& flags, bool nobody_there,
                                              plugin::PluginRuntime& runtime) {
  if (const std::string needs = needsText(installed.plugin.info); !needs.empty())
    std::cerr << "Plugin " << installed.plugin.name() << " " << needs << std::flush;
  TRY(std::vector<plugin::Need> needs,
      runtime.settleNeeds(installed.plugin,
                          flags.yes ? plugin::Settling::kAgree : plugin::Settling::kAsk));
  if (nobody_there && !flags.yes && !std::ranges::all_of(needs, &plugin::Need::allowed))
    std::cerr << "Nobody could be asked: --yes agrees to all that it declares.\n";
  return needs;
}

// What became of it.
std::string noteOf(const std::vector<plugin::Need>& needs) {
  const auto refused = std::ranges::count(needs, false, &plugin::Need::allowed);
  if (refused == 0) return {};
  return fmt::format("; {} of what it declares is not allowed yet", refused);
}

// What an uninstallation could not write down that it took back.
Result<void> forgetLeftPermissions(const std::string& name, Plugins& plugins) {
  const bool may_be_known =
      std::ranges::any_of(plugins.problems(), [&](const PluginStore::Problem& problem) {
        return problem.plugin.empty() || problem.plugin == name;
      });
  if (may_be_known || plugins.store().find(name)) return {};
  plugin::GrantBook book(plugins.store().folder());
  TRY(const bool holds, book.holds(name));
  if (holds) TRY_VOID(book.revoke(name));
  return {};
}

Result<int> install(const InstallFlags& flags, Plugins& plugins, const GlobalOptions& global) {
  TRY_VOID(checkDataFolder());
  TRY(PluginBinary binary,
      readPluginBinary(flags.source, flags.digest, flags.registries, global.user_config));
  TRY(plugin::PluginRuntime* const runtime, plugins.runtime());
  TRY(plugin::PluginInfo info, inspectBinary(binary, *runtime));
  if (Interrupt::current().stop_requested())
    return fail(ErrorCode::kCancelled, "nothing was installed");
  PluginStore::Request request{
      .wasm = std::move(binary.bytes),
      .info = std::move(info),
      .source = std::move(binary.source),
      .existing = flags.force ? PluginStore::Existing::kReplace : PluginStore::Existing::kRefuse,
      .reserved = plugins.reserved()};
  TRY_VOID(forgetLeftPermissions(request.info.metadata.name, plugins));
  TRY(const InstalledPlugin installed, plugins.store().install(request));
  TRY(const std::vector<plugin::Need> needs,
      settleNeeds(installed, flags, global.non_interactive, *runtime));
  const auto& metadata = installed.plugin.info.metadata;
  std::string message = "Installed plugin " + metadata.name;
  if (!metadata.version.empty()) appendEscaped(message += " ", metadata.version);
  printResult(global.format, message + noteOf(needs),
              {{"name", jsonText(metadata.name)},
               {"source", jsonText(installed.source)},
               {"path", jsonText(installed.plugin.wasm_path)},
               {"size", std::to_string(installed.bytes)},
               {"digest", jsonText(installed.plugin.digest)},
               {"declares", needsJson(needs)},
               {"may_ask", jsonList(plugin::mayAskFor(installed.plugin.info))}});
  return kExitOk;
}

// All that a plugin may do. Of a name that nobody knows nothing is written down.
Result<std::size_t> takeBack(const std::string& name, Plugins& plugins) {
  plugin::GrantBook book(plugins.store().folder());
  const auto installed = plugins.store().find(name);
  if (!installed && installed.error().code() == ErrorCode::kNotFound) {
    TRY(const bool holds, book.holds(name));
    if (!holds) return std::size_t{0};
  }
  return book.revoke(name);
}

Result<int> uninstall(const std::string& name, bool keep_data, Plugins& plugins,
                      const GlobalOptions& global) {
  const auto data = keep_data ? PluginStore::Data::kKeep : PluginStore::Data::kRemove;
  // First what it may do: a file that cannot be deleted must not leave that behind. A full disk has
  // room for that to be written down only once the binary is gone.
  auto taken_back = takeBack(name, plugins);
  TRY_VOID(plugins.store().uninstall(name, data));
  if (!taken_back) taken_back = takeBack(name, plugins);
  if (!taken_back)
    std::cerr << "What plugin " << name
              << " was allowed stays written down, and counts for nobody: "
              << taken_back.error().describe() << '\n';
  printResult(global.format, "Removed plugin " + name, {{"name", jsonText(name)}});
  return kExitOk;
}

std::string leftOutJson(const plugin::RecoveredLock::Left& left) {
  return fmt::format(R"({{"file":{},"reason":{}}})", jsonText(left.file), jsonText(left.reason));
}

Result<int> repair(Plugins& plugins, const GlobalOptions& global) {
  TRY_VOID(checkDataFolder());
  TRY(const plugin::RecoveredLock recovered, plugins.store().repair());
  plugin::GrantBook book(plugins.store().folder());
  const bool permissions_lost = !book.check();
  TRY_VOID(book.repair());
  std::vector<std::string> names;
  for (const plugin::LockEntry& entry : recovered.entries) names.push_back(entry.name);
  std::string text = names.empty() ? "No plugins are installed."
                                   : fmt::format("Installed are {}", fmt::join(names, ", "));
  for (const auto& [file, reason] : recovered.left_out)
    text += fmt::format("\nleft out {}: {}", escaped(file), escaped(reason));
  if (permissions_lost)
    text +=
        "\nwhat you had agreed to is lost, and is asked for again; the damaged file lies beside it";
  printResult(global.format, text,
              {{"plugins", jsonList(names)},
               {"left_out", jsonArray(recovered.left_out, leftOutJson)},
               {"permissions_lost", permissions_lost ? "true" : "false"}});
  return kExitOk;
}

// A list that cannot be read is not an empty one.
Result<void> checkListing(const Plugins& plugins) {
  for (const PluginStore::Problem& problem : plugins.problems())
    if (problem.plugin.empty()) return fail(ErrorCode::kInvalidArgument, problem.reason);
  return {};
}

Result<int> list(Plugins& plugins, const GlobalOptions& global) {
  TRY_VOID(checkListing(plugins));
  const auto& installed = plugins.installed();
  printResult(
      global.format, pluginTable(installed),
      {{"plugins", jsonArray(installed, pluginJson)}, {"count", std::to_string(installed.size())}});
  return kExitOk;
}

Result<int> info(const std::string& name, Plugins& plugins, const GlobalOptions& global) {
  TRY(const InstalledPlugin installed, plugins.store().find(name));
  TRY(const std::vector<plugin::Grant> grants,
      plugin::GrantBook(plugins.store().folder()).of(installed.plugin.digest));
  printResult(global.format, pluginDetails(installed, grants),
              {{"plugin", pluginJson(installed)},
               {"grants", grantsJson(grants)},
               {"may_ask", jsonList(plugin::mayAskFor(installed.plugin.info))}});
  return kExitOk;
}

Result<int> revoke(const std::string& name, Plugins& plugins, const GlobalOptions& global) {
  TRY(const std::size_t gone, takeBack(name, plugins));
  // A name that was mistyped must not look as if something had been taken back.
  if (const auto installed = plugins.store().find(name); gone == 0 && !installed)
    return std::unexpected(installed.error());
  printResult(global.format, fmt::format("Took back {} permissions of plugin {}", gone, name),
              {{"name", jsonText(name)}, {"revoked", std::to_string(gone)}});
  return kExitOk;
}

int finish(const Result<int>& done, const GlobalOptions& global) {
  return done ? *done : reportFailure(global.format, done.error());
}

void addInstall(CLI::App& group, const PluginCommandParts& parts) {
  auto flags = std::make_shared<InstallFlags>();
  CLI::App* command = group.add_subcommand("install", "Install a plugin");
  command
      ->add_option("source", flags->source, "A file, a project's folder, https://…, or a reference")
      ->required();
  command->add_option("--digest", flags->digest, "The digest that it must have")
      ->option_text("sha256:HEX");
  command->add_flag("-f,--force", flags->force, "Replace a plugin of that name");
  command->add_flag("-y,--yes", flags->yes, "Agree to all that it declares, without being asked");
  addReferenceFlags(*command, flags->registries);
  command->callback([flags, &parts] {
    if (const auto checked = checkPluginSource(flags->source, flags->digest); !checked)
      throw CLI::ValidationError(checked.error().message());
    parts.action.set("plugin install", {{"source", flags->source}},
                     [flags, &parts](plugin::HookContext&) {
                       const Interrupt interrupt;
                       const auto done = install(*flags, parts.plugins, parts.global);
                       if (!done)
                         return reportFailure(parts.global.format, done.error(), interrupt);
                       return interrupt.received() ? interrupt.status() : *done;
                     });
  });
}

void addUninstall(CLI::App& group, const PluginCommandParts& parts) {
  auto name = std::make_shared<std::string>();
  auto keep = std::make_shared<bool>(false);
  CLI::App* command = group.add_subcommand("uninstall", "Remove a plugin and its data");
  command->add_option("name", *name, "The plugin")->required();
  command->add_flag("--keep-data", *keep, "Leave its folder and its configuration");
  command->callback([name, keep, &parts] {
    parts.action.set(
        "plugin uninstall", {{"name", *name}}, [name, keep, &parts](plugin::HookContext&) {
          return finish(uninstall(*name, *keep, parts.plugins, parts.global), parts.global);
        });
  });
}

// A command that takes a plugin's name.
void addNamed(CLI::App& group, const PluginCommandParts& parts, const std::string& word,
              const std::string& description,
              Result<int> (*run)(const std::string&, Plugins&, const GlobalOptions&)) {
  auto name = std::make_shared<std::string>();
  CLI::App* command = group.add_subcommand(word, description);
  command->add_option("name", *name, "The plugin")->required();
  command->callback([name, word, run, &parts] {
    parts.action.set("plugin " + word, {{"name", *name}},
                     [name, run, &parts](plugin::HookContext&) {
                       return finish(run(*name, parts.plugins, parts.global), parts.global);
                     });
  });
}

}  // namespace

void addPluginCommand(CLI::App& app, const PluginCommandParts& parts) {
  CLI::App* group = app.add_subcommand("plugin", "Plugins: components that extend wash");
  group->require_subcommand(1);
  addInstall(*group, parts);
  addUninstall(*group, parts);
  CLI::App* listing = group->add_subcommand("list", "Show which plugins are installed");
  listing->callback([&parts] {
    parts.action.set("plugin list",
                     [&parts] { return finish(list(parts.plugins, parts.global), parts.global); });
  });
  CLI::App* repairing =
      group->add_subcommand("repair", "Make the list of plugins again, if it is lost or damaged");
  repairing->callback([&parts] {
    parts.action.set("plugin repair", [&parts] {
      return finish(repair(parts.plugins, parts.global), parts.global);
    });
  });
  addNamed(*group, parts, "info", "Show what a plugin is and what it may do", info);
  addNamed(*group, parts, "revoke", "Take back all that a plugin may do", revoke);
  addPluginTest(*group, parts);
}

int runPluginCommand(const plugin::Plugin& plugin, plugin::types::Invocation invocation,
                     const std::string& command, const PluginCommandParts& parts,
                     plugin::HookContext& context, const Interrupt& interrupt) {
  const OutputFormat format = parts.global.format;
  const auto runtime = parts.plugins.runtime();
  if (!runtime) return reportFailure(format, runtime.error());
  auto said = (*runtime)->run(plugin, std::move(invocation), context);
  if (!said) {
    return reportFailure(
        format,
        Error(said.error().code(), "plugin " + plugin.name() + ": " + said.error().describe()),
        interrupt);
  }
  if (format == OutputFormat::kText && said->empty()) return kExitOk;
  std::vector<DataField> data{{"command", jsonText(command)},
                              {"plugin", jsonText(plugin.name())},
                              {"output", jsonText(*said)},
                              {"success", "true"}};
  data.insert(data.end(), parts.shown.begin(), parts.shown.end());
  printResult(format, *said, data);
  return kExitOk;
}

}  // namespace nimbus::wash
