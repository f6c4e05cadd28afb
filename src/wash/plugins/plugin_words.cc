// The commands of plugins: `wash <plugin>`, `wash <plugin> <sub-command>`.

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/escape.h"
#include "wash/help/command_path.h"
#include "wash/plugins/plugin_commands.h"
#include "wash/plugins/plugin_invocation.h"
#include "wash/terminal/interrupt.h"

namespace nimbus::wash {
namespace {

namespace types = plugin::types;

constexpr const char* kGroup = "Commands of plugins";
// Programs that it runs have less until they are killed.
constexpr std::chrono::seconds kInterruptBound(5);

// One command of one plugin on the command line.
struct Word {
  plugin::Plugin plugin;
  types::Command declared;
  std::vector<std::string> words;  // as it is typed
  std::optional<std::string> sub_command;
  GivenValues given;
  std::vector<std::string> raw = {};      // of the line, what is behind the words
  std::vector<std::string> further = {};  // behind "--", that no argument takes
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
  const Interrupt interrupt(kInterruptBound);
  const auto runtime = parts.plugins.runtime();
  if (!runtime) return reportFailure(parts.global.format, runtime.error());
  const auto given = valuesOf(word, **runtime);
  if (interrupt.received()) return reportInterrupted(parts.global.format, interrupt);
  if (!given) {
    static_cast<void>(reportFailure(parts.global.format, given.error()));
    return kExitUsage;
  }
  types::Invocation invocation = invocationOf(word.declared, *given);
  invocation.sub_command = word.sub_command;
  invocation.raw = word.raw;
  return runPluginCommand(word.plugin, std::move(invocation), joined(word.words), parts, context,
                          interrupt);
}

// What stands behind the words that lead to `command`, which need not be the first of their kind:
// the value of an option may look like them.
std::vector<std::string> rawBehind(const CLI::App& app, const CLI::App& command,
                                   const std::vector<std::string>& line) {
  CommandPath path(app);
  auto at = line.begin();
  while (at != line.end() && &path.command() != &command) path.pass(*at++);
  return {at, line.end()};
}

// The parser gives words to arguments that are required before it looks for sub-commands, and takes
// words for sub-commands that are values of other arguments. Here the first word decides.
void chooseByFirstWord(const CommandPath& path, CLI::App& command) {
  const auto children = command.get_subcommands([](const CLI::App*) { return true; });
  if (std::ranges::find(children, &path.command()) != children.end()) {
    for (CLI::Option* option : command.get_options())
      if (option->get_positional()) option->required(false);
  } else if (path.values() > 0) {
    for (CLI::App* child : children) child->disabled();
  }
}

// The parser leaves a command at "--" as soon as each of its arguments has a word: what follows
// would be options and commands again. Here it is values in any case, so that one argument more
// waits for what the others leave. No argument of a plugin has a space in its name.
void stayBehindDashes(const CommandPath& path, CLI::App& command, Word& word) {
  if (!path.onlyValues() || &path.command() != &command) return;
  command.add_option("further words", word.further)->group("");
}

void refuseFurther(const Word& word) {
  if (word.further.empty()) return;
  std::string all;
  for (const std::string& each : word.further) all += (all.empty() ? "" : ", ") + inQuotes(each);
  throw CLI::ValidationError(fmt::format("wash {} takes no further argument{}: {}",
                                         joined(word.words), word.further.size() > 1 ? "s" : "",
                                         all));
}

// What was given to the command, and not to its sub-command, nobody would see.
void refuseGiven(const Word& word, const std::string& sub_command) {
  const std::string own = "wash " + joined(word.words);
  for (const auto& [name, values] : word.given.flags) {
    if (values.empty()) continue;
    throw CLI::ValidationError(
        fmt::format("--{} is an option of \"{}\", not of \"{} {}\"", name, own, own, sub_command));
  }
  for (const auto& [name, values] : word.given.arguments) {
    if (values.empty()) continue;
    throw CLI::ValidationError(fmt::format("{} {} takes no further argument: {}", own, sub_command,
                                           inQuotes(values.front())));
  }
}

void addWord(CLI::App& app, CLI::App& command, const std::shared_ptr<Word>& word,
             const PluginCommandParts& parts) {
  addPluginFlags(command, word->declared, word->given);
  command.preparse_callback([&, word](std::size_t /*left*/) {
    CommandPath path(app);
    for (const std::string& typed : parts.line) path.pass(typed);
    chooseByFirstWord(path, command);
    stayBehindDashes(path, command, *word);
  });
  command.callback([&, word] {
    if (const auto chosen = command.get_subcommands(); !chosen.empty())
      return refuseGiven(*word, chosen.front()->get_name());
    refuseFurther(*word);
    word->raw = rawBehind(app, command, parts.line);
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
    addWord(app, *own,
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
    addWord(app, *parent->add_subcommand(each.name, escaped(each.description)),
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
