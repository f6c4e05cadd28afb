// `wash new [NAME]`.

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "base/files.h"
#include "base/process.h"
#include "project/config.h"
#include "project/scaffold.h"
#include "wash/command.h"
#include "wash/project/new_choice.h"
#include "wash/project/new_finish.h"
#include "wash/terminal/interrupt.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;

struct NewFlags {
  NewChoice choice;
  bool yes = false;
  bool list = false;
};

// What the hooks before it may have changed.
void readBack(const plugin::HookContext& context, NewChoice& choice) {
  const auto take = [&](std::string_view key, std::string& value) {
    if (auto changed = context.get(key)) value = *std::move(changed);
  };
  take("new.name", choice.name);
  take("new.path", choice.path);
  take("new.template", choice.template_name);
  take("new.language", choice.language);
  take("new.git", choice.git.url);
  take("new.ref", choice.git.ref);
  take("new.subfolder", choice.git.subfolder);
  take("new.local", choice.local);
  take("new.template_folder", choice.local);
}

plugin::HookContext::Entries inputsOf(const NewChoice& choice) {
  plugin::HookContext::Entries inputs;
  const auto put = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) inputs.emplace(key, value);
  };
  put("new.name", choice.name);
  put("new.path", choice.path);
  put("new.template", choice.template_name);
  put("new.language", choice.language);
  put("new.git", choice.git.url);
  put("new.ref", choice.git.ref);
  put("new.subfolder", choice.git.subfolder);
  put("new.local", choice.local);
  return inputs;
}

struct Created {
  ChosenTemplate chosen;
  std::string name;
  std::string folder;
};

Result<Created> create(NewChoice choice, const TemplateCatalog& catalog,
                       const ChoiceSurroundings& surroundings) {
  TRY(ChosenTemplate chosen, chooseTemplate(choice, catalog, surroundings));
  const std::string& path = choice.path.empty() ? choice.name : choice.path;
  const std::string name = choice.name.empty() ? chosen.default_name : choice.name;
  TRY_VOID(project::checkProjectName(name));
  TRY(const std::string absolute, absolutePath(path.empty() ? name : path));
  const fs::path folder = fs::path(absolute).lexically_normal();
  TRY_VOID(project::scaffold(chosen.contents, name, folder));
  return Created{std::move(chosen), name, folder.string()};
}

int runNew(const NewFlags& flags, const GlobalOptions& global, plugin::HookContext& context) {
  const Interrupt interrupt;
  const auto failed = [&](const Error& error) {
    if (interrupt.received()) return reportInterrupted(global.format, interrupt);
    return reportFailure(global.format, error);
  };
  NewChoice choice = flags.choice;
  readBack(context, choice);
  const auto catalog = readCatalog(global.user_config);
  if (!catalog) return failed(catalog.error());
  if (flags.list) {
    printResult(global.format, catalogText(*catalog), catalogFields(*catalog));
    return kExitOk;
  }
  SystemProcessRunner runner;
  const ChoiceSurroundings surroundings{
      .runner = runner, .interactive = !global.non_interactive, .stop = interrupt.token()};
  auto created = create(std::move(choice), *catalog, surroundings);
  if (!created) return failed(created.error());
  for (const auto& [key, value] :
       {std::pair("new.path", &created->folder), std::pair("new.name", &created->name)}) {
    if (const auto kept = context.set(key, *value); !kept) return failed(kept.error());
  }
  const FinishRequest finish{.folder = created->folder,
                             .interactive = !global.non_interactive,
                             .consent = flags.yes,
                             .user_file = global.user_config,
                             .stop = interrupt.token()};
  const auto finished = finishProject(finish, runner);
  if (!finished) return failed(finished.error());
  printResult(global.format,
              createdText(created->name, created->folder, created->chosen, *finished),
              createdFields(created->name, created->folder, created->chosen, *finished));
  return kExitOk;
}

// The name may be a repository, as for wash 2: `wash new https://…`.
void sortName(NewChoice& choice) {
  const bool repository = choice.name.contains("://") || choice.name.ends_with(".git");
  if (repository && choice.git.url.empty()) {
    choice.git.url = std::exchange(choice.name, {});
    return;
  }
  while (choice.name.size() > 1 && choice.name.ends_with('/')) choice.name.pop_back();
  if (choice.name.find('/') == std::string::npos) return;
  if (choice.path.empty()) choice.path = choice.name;
  choice.name = fs::path(choice.name).lexically_normal().filename().string();
}

void addNewFlags(CLI::App& command, NewFlags& flags) {
  NewChoice& choice = flags.choice;
  command.add_option("name", choice.name, "The project's name, or the path of its folder")
      ->option_text("[NAME]");
  command
      .add_option("-t,--template,--template-name", choice.template_name,
                  "A template: http-hello, or with its language http-hello-rust")
      ->option_text("NAME");
  command.add_option("--language", choice.language, "The language: rust, go, python, …")
      ->option_text("LANGUAGE");
  CLI::Option* git = command.add_option("--git", choice.git.url, "A repository as the template")
                         ->option_text("URL");
  command.add_option("--ref,--git-ref", choice.git.ref, "A branch, tag or commit of it")
      ->option_text("REF");
  command.add_option("--subfolder", choice.git.subfolder, "Only this folder of it")
      ->option_text("DIR");
  command.add_option("--local", choice.local, "A folder as the template")
      ->excludes(git)
      ->option_text("PATH");
  command.add_option("--path", choice.path, "The new folder; else the name, here")
      ->option_text("DIR");
  command.add_flag("-y,--yes", flags.yes, "Run the command new.command of the template, unasked");
  command.add_flag("--list", flags.list, "List the templates");
}

}  // namespace

void addNewCommand(CLI::App& app, const GlobalOptions& global, Action& action) {
  CLI::App* command = app.add_subcommand("new", "Make a project from a template");
  auto flags = std::make_shared<NewFlags>();
  addNewFlags(*command, *flags);
  command->callback([flags, &global, &action] {
    sortName(flags->choice);
    action.set("new", inputsOf(flags->choice), [flags, &global](plugin::HookContext& context) {
      return runNew(*flags, global, context);
    });
  });
}

}  // namespace nimbus::wash
