// `wash help [COMMAND…]` and `wash completion SHELL`: what the parser knows of itself.

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "project/builtin_templates.h"
#include "wash/command.h"
#include "wash/flags/flag_check.h"
#include "wash/help/command_path.h"
#include "wash/help/completion.h"
#include "wash/help/help.h"
#include "wash/help/usage_error.h"
#include "wash/output/answer.h"
#include "wash/project/new_choice.h"

namespace nimbus::wash {
namespace {

// Which options exclude or need each other is said by the error, in whole sentences.
class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string text = Formatter::make_option_opts(option);
    const auto end = std::min(text.find(" Needs:"), text.find(" Excludes:"));
    return text.substr(0, end);
  }

  // What the commands above give to this one, so that it can stand behind it as well.
  std::string make_footer(const CLI::App* app) const override {
    const CLI::App* above = app->get_parent();
    if (above == nullptr) return Formatter::make_footer(app);
    std::string out;
    for (; above->get_parent() != nullptr; above = above->get_parent())
      out += sharedOptions(*above);
    return out + "`wash --help` lists the options that all commands take.\n" +
           Formatter::make_footer(app);
  }

 private:
  [[nodiscard]] std::string sharedOptions(const CLI::App& above) const {
    if (!above.get_fallthrough()) return {};
    const auto options = above.get_options([&above](const CLI::Option* option) {
      return option->nonpositional() && option != above.get_help_ptr();
    });
    if (options.empty()) return {};
    const std::string title = fmt::format("Options of all `{}` commands", above.get_name());
    return make_group(title, false, options).substr(1) + "\n";
  }
};

const CLI::App* findCommand(const CLI::App& app, const std::string& word) {
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!child->get_name().empty() && child->check_name(word)) return child;
  return nullptr;
}

Result<std::string> helpOf(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* at = &app;
  std::string name = app.get_name();
  for (const std::string& word : words) {
    const CLI::App* next = findCommand(*at, word);
    if (next == nullptr) return fail(ErrorCode::kInvalidArgument, unknownCommand(word, name, *at));
    at = next;
    name += " " + next->get_name();
  }
  const std::size_t space = name.rfind(' ');
  if (space != std::string::npos) return at->help(name.substr(0, space));
  // App::help would be that of the command that was just read, `help`.
  return app.get_formatter()->make_help(&app, app.get_name(), CLI::AppFormatMode::Normal);
}

void appendMarkdown(const CLI::App& app, const std::string& parent, std::string& out) {
  const std::string name = parent.empty() ? app.get_name() : parent + " " + app.get_name();
  out += fmt::format("{} `{}`\n\n{}\n\n```text\n{}```\n\n", parent.empty() ? "#" : "##", name,
                     app.get_description(), app.help(parent));
  for (const CLI::App* command : commandsOf(app)) appendMarkdown(*command, name, out);
}

std::vector<std::string> commandNames(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* at = &app;
  for (const std::string& word : words) {
    at = findCommand(*at, word);
    if (at == nullptr) return {};
  }
  std::vector<std::string> names;
  for (const CLI::App* command : commandsOf(*at)) names.push_back(command->get_name());
  return names;
}

// Those that are one word: shells do not take others from here.
std::vector<std::string> hookNames(const CLI::App& app) {
  std::vector<std::string> hooks{"before-push", "after-push", "dev-register"};
  for (const CLI::App* command : commandsOf(app)) {
    if (command->get_require_subcommand_min() > 0) continue;
    hooks.push_back("before-" + command->get_name());
    hooks.push_back("after-" + command->get_name());
  }
  return hooks;
}

// Of those that `wash new` knows: each name, or language, once.
std::vector<std::string> templateWords(std::string project::TemplateInfo::* word) {
  std::set<std::string> words;
  for (const project::TemplateInfo& info : project::builtinTemplates()) words.insert(info.*word);
  const auto catalog = readCatalog({});
  if (!catalog) return {words.begin(), words.end()};
  if (word == &project::TemplateInfo::name)
    for (const project::TemplateSettings& each : catalog->configured) words.insert(each.name);
  return {words.begin(), words.end()};
}

std::optional<std::vector<std::string>> knownWords(const CLI::App& app,
                                                   const std::vector<std::string>& plugins,
                                                   const CommandPath& path,
                                                   const CLI::Option& option) {
  const std::string command = path.name();
  const std::string name = option.get_name();
  if (command == "wash help" && name == "command") return commandNames(app, path.valueWords());
  if (command == "wash new" && name == "--template")
    return templateWords(&project::TemplateInfo::name);
  if (command == "wash new" && name == "--language")
    return templateWords(&project::TemplateInfo::language);
  if (command == "wash plugin test" && name == "--hook") return hookNames(app);
  const bool of_plugin = command == "wash plugin uninstall" || command == "wash plugin info" ||
                         command == "wash plugin revoke";
  if (of_plugin && name == "name") return plugins;
  return std::nullopt;
}

}  // namespace

std::shared_ptr<CLI::FormatterBase> helpFormatter() { return std::make_shared<HelpFormatter>(); }

std::string helpMarkdown(const CLI::App& app) {
  std::string out;
  appendMarkdown(app, "", out);
  out.pop_back();
  return out;
}

void addHelpCommand(CLI::App& app, const GlobalOptions& global, Action& action) {
  CLI::App* command = app.add_subcommand("help", "Show the help of a command");
  const auto words = std::make_shared<std::vector<std::string>>();
  command->add_option("command", *words, "The command, such as: config show")
      ->option_text("COMMAND ...");
  command->callback([&app, words, &global, &action] {
    action.set("help", [&app, words, &global] {
      const auto help = helpOf(app, *words);
      if (!help) {
        static_cast<void>(reportFailure(global.format, help.error()));
        return kExitUsage;
      }
      printAnswer(global.format, *help, {});
      return kExitOk;
    });
  });
}

void addCompletionCommand(CLI::App& app, const GlobalOptions& global, Action& action) {
  CLI::App* command =
      app.add_subcommand("completion", "Write a script that makes a shell complete wash");
  const auto shell = std::make_shared<Shell>();
  addChoice(*command, "shell", *shell, "The shell",
            {{std::string(shellName(Shell::kBash)), Shell::kBash},
             {std::string(shellName(Shell::kZsh)), Shell::kZsh},
             {std::string(shellName(Shell::kFish)), Shell::kFish},
             {std::string(shellName(Shell::kPowerShell)), Shell::kPowerShell},
             {std::string(shellName(Shell::kElvish)), Shell::kElvish}})
      ->required();
  command->callback([shell, &global, &action] {
    action.set("completion", [shell, &global] {
      printAnswer(global.format, completionScript(*shell),
                  {{"shell", jsonText(shellName(*shell))}});
      return kExitOk;
    });
  });
}

std::optional<int> answerAboutItself(const CLI::App& app, const std::vector<std::string>& plugins,
                                     int argc, char** argv) {
  if (argc < 2) return std::nullopt;
  const std::string_view word = argv[1];
  if (word == "--help-markdown") {
    printOutput(helpMarkdown(app));
    return kExitOk;
  }
  if (word != kCompleteWord) return std::nullopt;
  const auto known = [&](const CommandPath& path, const CLI::Option& option) {
    return knownWords(app, plugins, path, option);
  };
  printOutput(completionLines(completeWords(app, {argv + 2, argv + argc}, known)));
  return kExitOk;
}

}  // namespace nimbus::wash
