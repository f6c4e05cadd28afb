// The commands of plugins: `wash <plugin>`, `wash <plugin> <sub-command>`.

#include <cstdlib>
#include <iostream>
#include <memory>
#include <utility>

#include <CLI/CLI.hpp>

#include "base/escape.h"
#include "wash/plugin_commands.h"
#include "wash/plugin_invocation.h"

namespace nimbus::wash {
namespace {

namespace types = plugin::types;

constexpr const char* kGroup = "Commands of plugins";

// One command of one plugin on the command line.
struct Word {
  plugin::Plugin plugin;
  types::Command declared;
  std::vector<std::string> words;  // as it is typed
  std::optional<std::string> sub_command;
  GivenValues given;
};

std::string describe(const plugin::Plugin& plugin, const std::string& description) {
  return escaped(description) + " (plugin " + plugin.name() + ")";
}

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : " ") + word;
  return all;
}

// Where the plugin may not have it, its flag has no value, and it is said why.
std::optional<std::string> readVariable(const std::string& name, const plugin::Plugin& plugin,
                                        plugin::PluginRuntime& runtime) {
  const char* set = std::getenv(name.c_str());
  if (set == nullptr) return std::nullopt;
  if (const auto allowed = runtime.allowVariable(plugin, name); !allowed) {
    std::cerr << "plugin " << plugin.name() << ": " << allowed.error().message() << '\n';
    return std::nullopt;
  }
  return set;
}

Result<GivenValues> valuesOf(const Word& word, plugin::PluginRuntime& runtime) {
  GivenValues given = word.given;
  TRY_VOID(fillFromVariables(
      word.declared,
      [&](const std::string& name) { return readVariable(name, word.plugin, runtime); }, given));
  return given;
}

int runWord(const Word& word, const PluginCommandParts& parts, plugin::HookContext& context) {
  const auto runtime = parts.plugins.runtime();
  if (!runtime) return reportFailure(parts.global.format, runtime.error());
  const auto given = valuesOf(word, **runtime);
  if (!given) {
    static_cast<void>(reportFailure(parts.global.format, given.error()));
    return kExitUsage;
  }
  types::Invocation invocation = invocationOf(word.declared, *given);
  invocation.sub_command = word.sub_command;
  invocation.raw = rawBehind(parts.line, word.words);
  return runPluginCommand(word.plugin, std::move(invocation), joined(word.words), parts, context);
}

void addWord(CLI::App& command, const std::shared_ptr<Word>& word,
             const PluginCommandParts& parts) {
  addPluginFlags(command, word->declared, word->given);
  command.callback([word, &parts = parts, &command] {
    if (!command.get_subcommands().empty()) return;  // one of those is meant
    Action::Inputs inputs{{"plugin", word->plugin.name()}};
    parts.action.set(
        joined(word->words), std::move(inputs),
        [word, &parts](plugin::HookContext& context) { return runWord(*word, parts, context); });
  });
}

}  // namespace

void addWordsOf(CLI::App& app, const plugin::Plugin& plugin, const PluginCommandParts& parts) {
  const types::Metadata& metadata = plugin.info.metadata;
  CLI::App* own = nullptr;
  if (metadata.command) {
    own = app.add_subcommand(plugin.info.command_word,
                             describe(plugin, metadata.command->description));
    own->group(kGroup);
    addWord(*own,
            std::make_shared<Word>(
                Word{plugin, *metadata.command, {plugin.info.command_word}, std::nullopt, {}}),
            parts);
  }
  if (metadata.sub_commands.empty()) return;
  CLI::App* parent = own;
  if (own == nullptr || plugin.info.command_word != metadata.name) {
    parent = app.add_subcommand(metadata.name, describe(plugin, metadata.description));
    parent->group(kGroup)->require_subcommand(1);
  }
  for (const types::Command& each : metadata.sub_commands) {
    addWord(*parent->add_subcommand(each.name, escaped(each.description)),
            std::make_shared<Word>(Word{plugin, each, {metadata.name, each.name}, each.name, {}}),
            parts);
  }
}

void addPluginWords(CLI::App& app, const PluginCommandParts& parts) {
  for (const plugin::InstalledPlugin& each : parts.plugins.installed()) {
    // A word that this version of wash has taken since is left to wash.
    bool taken = false;
    for (const std::string& word : plugin::commandWords(each.plugin.info))
      taken = taken ||
              !app.get_subcommands([&](const CLI::App* known) { return known->check_name(word); })
                   .empty();
    if (!taken) addWordsOf(app, each.plugin, parts);
  }
}

}  // namespace nimbus::wash
