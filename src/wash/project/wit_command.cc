// `wash wit`: the packages that a project's WIT needs.

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/files.h"
#include "base/process.h"
#include "project/config.h"
#include "project/named_project.h"
#include "wash/command.h"
#include "wash/flags/flag_check.h"
#include "wash/output/output_file.h"
#include "wash/project/wit_fetch.h"
#include "wash/terminal/interrupt.h"
#include "witdeps/world_edit.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kFileMode = 0666;

struct WitFlags {
  std::string wit_dir;
  WitNetworkFlags network;
  bool clean = false;
  bool all = false;
  bool skip_fetch = false;
  std::string name;  // of a package or an interface
  std::string world;
  std::string output_file;
};

// What a command works on.
struct WitProject {
  std::string folder;
  project::WitSettings settings;
  witdeps::WitFolder wit;
};

Result<WitProject> openFolder(const WitFlags& flags, const GlobalOptions& global) {
  std::error_code error;
  const project::Project found = project::namedProject(fs::current_path(error).string());
  std::vector<project::ConfigFlag> given;
  if (!flags.wit_dir.empty()) given.push_back({"wit.wit_dir", flags.wit_dir, "--wit-dir"});
  TRY(project::LoadedConfig loaded, project::loadProjectConfig(found, given, global.user_config));
  const fs::path path = fs::path(found.folder) / loaded.config.wit.wit_dir;
  TRY(witdeps::WitFolder folder, witdeps::WitFolder::read(path.lexically_normal()));
  return WitProject{found.folder, std::move(loaded.config.wit), std::move(folder)};
}

// The same with a package of its own in it.
Result<WitProject> openProject(const WitFlags& flags, const GlobalOptions& global) {
  TRY(WitProject project, openFolder(flags, global));
  if (!project.wit.main().empty()) return project;
  return fail(ErrorCode::kNotFound, project.wit.path().string() + ": there is no .wit file");
}

std::string jsonOf(const witdeps::FetchedPackage& package) {
  return fmt::format(R"({{"package":{},"from":{}}})", jsonText(package.package.text()),
                     package.from.empty() ? "null" : jsonText(package.from));
}

std::string fetchText(const WitProject& project, const witdeps::FetchOutcome& outcome) {
  std::string text =
      fmt::format("{} fetched package{} in {}: {}", outcome.packages.size(),
                  outcome.packages.size() == 1 ? "" : "s", (project.wit.path() / "deps").string(),
                  outcome.changed || outcome.lock_changed ? "up to date now" : "nothing to do");
  for (const witdeps::FetchedPackage& package : outcome.packages) {
    text += fmt::format("\n  {}", package.package.text());
    if (!package.from.empty()) text += " from " + package.from;
  }
  for (const std::string& note : outcome.notes) text += "\nnote: " + note;
  return text;
}

std::vector<DataField> fetchFields(const WitProject& project,
                                   const witdeps::FetchOutcome& outcome) {
  return {{"wit_dir", jsonText(project.wit.path().string())},
          {"lock_file", jsonText(outcome.lock_file.string())},
          {"changed", outcome.changed || outcome.lock_changed ? "true" : "false"},
          {"packages", jsonArray(outcome.packages, jsonOf)},
          {"notes", jsonList(outcome.notes)}};
}

Result<witdeps::FetchOutcome> fetchFor(WitProject& project, const WitFlags& flags,
                                       const GlobalOptions& global, WitFetchChoice choice,
                                       const Interrupt& interrupt) {
  SystemProcessRunner runner;
  choice.interactive = !global.non_interactive;
  choice.stop = interrupt.token();
  StatusLine line;
  return fetchWit(project.folder, project.settings, project.wit, flags.network, choice, runner,
                  line);
}

// Prints what `work` gives, a message and its fields, or says why it failed.
using Report = std::pair<std::string, std::vector<DataField>>;
int report(const GlobalOptions& global, const Interrupt& interrupt, const Result<Report>& done) {
  if (done) {
    printResult(global.format, done->first, done->second);
    return kExitOk;
  }
  return reportFailure(global.format, done.error(), interrupt);
}

Result<Report> fetch(WitProject project, const WitFlags& flags, const GlobalOptions& global,
                     const WitFetchChoice& choice, const Interrupt& interrupt) {
  TRY(const witdeps::FetchOutcome outcome, fetchFor(project, flags, global, choice, interrupt));
  return Report{fetchText(project, outcome), fetchFields(project, outcome)};
}

// Fails for a package that the project neither needs nor has.
Result<void> checkNeeded(const WitProject& project, const wit::PackageRef& name) {
  TRY(const wit::PackageNeeds about, wit::packageNeeds(project.wit.main()));
  std::vector<wit::PackageRef> known = about.needs;
  for (const auto* packages : {&project.wit.own(), &project.wit.fetched()})
    for (const witdeps::TextPackage& package : *packages) known.push_back(package.about.package);
  if (std::ranges::any_of(known, [&](const wit::PackageRef& each) { return each.isNamedBy(name); }))
    return {};
  return fail(ErrorCode::kNotFound,
              fmt::format("{} does not need {}", about.package.text(), name.text()));
}

Result<Report> update(const WitFlags& flags, const GlobalOptions& global,
                      const Interrupt& interrupt) {
  WitFetchChoice choice{.refresh = witdeps::Refresh::kAll, .forget_all = flags.name.empty()};
  if (!flags.name.empty()) {
    TRY(choice.forget, wit::PackageRef::parse(flags.name));
  }
  TRY(WitProject project, openProject(flags, global));
  if (choice.forget) TRY_VOID(checkNeeded(project, *choice.forget));
  return fetch(std::move(project), flags, global, choice, interrupt);
}

// --- add and remove ---

// The files of the project's package that are another text now.
using Changed = std::vector<wit::WitFile>;

Result<Changed> withImport(const WitProject& project, const WitFlags& flags) {
  TRY(const witdeps::ImportRef import, witdeps::ImportRef::parse(flags.name));
  if (import.interface.empty())
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is a package; name the interface to import, such as {}/NAME",
                            import.text(), import.package.name));
  Error last(ErrorCode::kNotFound, "there is no world");
  for (const wit::WitFile& file : project.wit.main()) {
    auto text = witdeps::addImport(file.text, flags.world, import);
    if (text && *text == file.text) return Changed{};
    if (text) return Changed{{file.path, *std::move(text)}};
    if (text.error().code() != ErrorCode::kNotFound)
      return std::unexpected(std::move(text).error());
    last = std::move(text).error();
  }
  return fail(last.code(), fmt::format("{}: {}", project.wit.path().string(), last.message()));
}

Result<Changed> withoutImports(const WitProject& project, const WitFlags& flags) {
  TRY(const witdeps::ImportRef import, witdeps::ImportRef::parse(flags.name));
  Changed changed;
  for (const wit::WitFile& file : project.wit.main()) {
    std::string text = witdeps::removeImports(file.text, import);
    if (text != file.text) changed.push_back({file.path, std::move(text)});
  }
  if (!changed.empty()) return changed;
  return fail(ErrorCode::kNotFound, fmt::format("no world imports {}", import.text()));
}

// Fetches for the new texts, and writes them last: without what they need they are not written.
Result<void> apply(WitProject& project, const Changed& changed, const WitFlags& flags,
                   const GlobalOptions& global, const Interrupt& interrupt) {
  std::vector<wit::WitFile> files = project.wit.main();
  for (const wit::WitFile& file : changed)
    for (wit::WitFile& old : files)
      if (old.path == file.path) old.text = file.text;
  TRY_VOID(wit::packageNeeds(files));
  project.wit.setMain(files);
  if (!flags.skip_fetch) TRY_VOID(fetchFor(project, flags, global, {}, interrupt));
  for (const wit::WitFile& file : changed)
    TRY_VOID(replaceFile((project.wit.path() / file.path).string(), asBytes(file.text), kFileMode));
  return {};
}

Result<Report> edit(const WitFlags& flags, const GlobalOptions& global, const Interrupt& interrupt,
                    Result<Changed> (*change)(const WitProject&, const WitFlags&),
                    std::string_view done) {
  TRY(WitProject project, openProject(flags, global));
  TRY(const Changed changed, change(project, flags));
  const std::vector<DataField> fields = {{"package", jsonText(flags.name)},
                                         {"wit_dir", jsonText(project.wit.path().string())}};
  if (changed.empty()) return Report{fmt::format("{} is imported already", flags.name), fields};
  TRY_VOID(apply(project, changed, flags, global, interrupt));
  const std::string path = (project.wit.path() / changed.front().path).string();
  return Report{fmt::format(fmt::runtime(done), flags.name, path), fields};
}

// --- clean and build ---

Result<Report> clean(const WitFlags& flags, const GlobalOptions& global) {
  TRY(WitProject project, openFolder(flags, global));
  const std::string deps = (project.wit.path() / "deps").string();
  TRY(const bool removed, flags.all ? project.wit.removeAll() : project.wit.replaceFetched({}));
  return Report{removed
                    ? fmt::format("removed what was {} {}", flags.all ? "in" : "fetched into", deps)
                    : fmt::format("there is nothing to remove in {}", deps),
                {{"deps_dir", jsonText(deps)}, {"removed", removed ? "true" : "false"}}};
}

Result<Report> build(const WitFlags& flags, const GlobalOptions& global,
                     const Interrupt& interrupt) {
  TRY(WitProject project, openProject(flags, global));
  if (!flags.skip_fetch && !project.settings.skip_fetch)
    TRY_VOID(fetchFor(project, flags, global, {}, interrupt));
  std::vector<wit::WitFile> files = project.wit.main();
  for (const auto* packages : {&project.wit.own(), &project.wit.fetched()})
    for (const witdeps::TextPackage& package : *packages)
      files.insert(files.end(), package.files.begin(), package.files.end());
  TRY(const wit::PackageNeeds about, wit::packageNeeds(project.wit.main()));
  TRY(const Bytes wasm, wit::encodePackage(files));
  const wit::PackageRef& package = about.package;
  const std::string name = fmt::format("{}{}{}.wasm", package.word(),
                                       package.version.empty() ? "" : "-", package.version);
  const std::string output =
      flags.output_file.empty() ? (fs::path(project.folder) / name).string() : flags.output_file;
  TRY(const std::string file, outputFile(output));
  TRY_VOID(replaceFile(file, wasm.view(), kFileMode));
  return Report{fmt::format("built {} as {} ({} bytes)", package.text(), output, wasm.size()),
                {{"package", jsonText(package.name)},
                 {"version", package.version.empty() ? "null" : jsonText(package.version)},
                 {"output", jsonText(output)},
                 {"size", std::to_string(wasm.size())}}};
}

// --- the command line ---

// How the sub-commands are made.
struct Maker {
  CLI::App& wit;
  const GlobalOptions& global;
  Action& action;

  using Work = Result<Report> (*)(const WitFlags&, const GlobalOptions&, const Interrupt&);

  CLI::App* add(const char* name, const char* about, const std::shared_ptr<WitFlags>& flags,
                Work work) const {
    CLI::App* command = wit.add_subcommand(name, about);
    command
        ->add_option("--wit-dir", flags->wit_dir,
                     "The folder of the project's WIT; else wit.wit_dir, else wit")
        ->option_text("DIR");
    command->callback([flags, work, name, &global = global, &action = action] {
      action.set(fmt::format("wit {}", name), {}, [flags, work, &global](plugin::HookContext&) {
        const Interrupt interrupt;
        return report(global, interrupt, work(*flags, global, interrupt));
      });
    });
    return command;
  }
};

void addFetching(const Maker& maker) {
  auto flags = std::make_shared<WitFlags>();
  CLI::App* fetching = maker.add(
      "fetch", "Bring the packages that are missing into wit/deps", flags,
      [](const WitFlags& given, const GlobalOptions& global,
         const Interrupt& interrupt) -> Result<Report> {
        const auto refresh = given.clean ? witdeps::Refresh::kAll : witdeps::Refresh::kMissing;
        TRY(WitProject project, openProject(given, global));
        return fetch(std::move(project), given, global, {.refresh = refresh}, interrupt);
      });
  fetching->add_flag("--clean", flags->clean, "Also those that are there, as the lock file says");
  addWitNetworkFlags(*fetching, flags->network);

  flags = std::make_shared<WitFlags>();
  CLI::App* updating =
      maker.add("update", "Fetch again, whatever the lock file says", flags, update);
  updating->add_option("package", flags->name, "Only this package: wasi:http or wasi:http@0.2.3")
      ->check(acceptedBy(wit::PackageRef::parse))
      ->option_text("[PACKAGE]");
  addWitNetworkFlags(*updating, flags->network);
}

void addEditing(const Maker& maker) {
  auto flags = std::make_shared<WitFlags>();
  CLI::App* adding =
      maker.add("add", "Import an interface, and fetch its package", flags,
                [](const WitFlags& given, const GlobalOptions& global, const Interrupt& interrupt) {
                  return edit(given, global, interrupt, withImport, "added the import of {} to {}");
                });
  adding->add_option("interface", flags->name, "Such as wasi:http/types@0.2.3")
      ->required()
      ->check(acceptedBy(witdeps::ImportRef::parse))
      ->option_text("INTERFACE");
  adding->add_option("--world", flags->world, "The world that imports it; else the only one")
      ->option_text("NAME");
  adding->add_flag("--skip-fetch", flags->skip_fetch, "Leave wit/deps as it is");
  addWitNetworkFlags(*adding, flags->network);

  flags = std::make_shared<WitFlags>();
  CLI::App* removing = maker.add(
      "remove", "Take imports of a package or interface out", flags,
      [](const WitFlags& given, const GlobalOptions& global, const Interrupt& interrupt) {
        return edit(given, global, interrupt, withoutImports, "removed imports of {} from {}");
      });
  removing->add_option("package", flags->name, "Such as wasi:http, or wasi:http/types@0.2.3")
      ->required()
      ->check(acceptedBy(witdeps::ImportRef::parse))
      ->option_text("PACKAGE");
  removing->add_flag("--skip-fetch", flags->skip_fetch, "Leave wit/deps as it is");
  addWitNetworkFlags(*removing, flags->network);
}

void addCleaningAndBuilding(const Maker& maker) {
  auto flags = std::make_shared<WitFlags>();
  CLI::App* cleaning = maker.add("clean", "Remove from wit/deps what was fetched", flags,
                                 [](const WitFlags& given, const GlobalOptions& global,
                                    const Interrupt&) { return clean(given, global); });
  cleaning->add_flag("--all", flags->all, "Remove all of wit/deps, the project's own packages too");

  flags = std::make_shared<WitFlags>();
  CLI::App* building =
      maker.add("build", "Make a binary of the project's WIT package", flags, build);
  building
      ->add_option("--output-file", flags->output_file,
                   "The file to write; else <name>-<version>.wasm in the project's folder")
      ->option_text("FILE");
  building->add_flag("--skip-fetch", flags->skip_fetch, "Leave wit/deps as it is");
  addWitNetworkFlags(*building, flags->network);
}

}  // namespace

void addWitCommand(CLI::App& app, const GlobalOptions& global, Action& action) {
  CLI::App* wit = app.add_subcommand("wit", "WIT packages that a project needs");
  wit->require_subcommand(1);
  const Maker maker{*wit, global, action};
  addFetching(maker);
  addEditing(maker);
  addCleaningAndBuilding(maker);
}

}  // namespace nimbus::wash
