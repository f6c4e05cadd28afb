// `wash inspect COMPONENT|MANIFEST`.

#include <cstdio>
#include <filesystem>
#include <system_error>

#include <CLI/CLI.hpp>

#include "engine/engine.h"
#include "wash/command.h"
#include "wash/flags/engine_flags.h"
#include "wash/input/project_input.h"
#include "wash/input/resolve_reference.h"
#include "wash/inspect/inspect.h"
#include "wash/inspect/inspect_workload.h"
#include "wash/terminal/interrupt.h"

namespace nimbus::wash {
namespace {

struct InspectFlags {
  std::string component;
  ReferenceFlags source;
  EngineFlags engine;
};

Result<Inspection> inspectArgument(const InspectFlags& flags, const std::string& user_file,
                                   Logger& log) {
  TRY(const ResolvedComponent resolved,
      resolveComponentOrReference(flags.component, flags.source, user_file));
  engine::EngineOptions options = engineOptionsOf(flags.engine);
  // Looking makes no cache.
  std::error_code error;
  if (!std::filesystem::exists(options.cache_folder, error) && !error) options.cache_folder.clear();
  TRY(const auto engine, engine::Engine::create(std::move(options), log));
  return inspect(resolved.path, resolved.bytes.view(),
                 engine->cachedCodeBytes(resolved.bytes.view()));
}

int runInspectWorkload(const InspectFlags& flags, const GlobalOptions& global) {
  const Interrupt interrupt;
  const auto inspection = inspectWorkload(flags.component, flags.source, global.user_config);
  if (!inspection) return reportFailure(global.format, inspection.error(), interrupt);
  const std::string text = global.format == OutputFormat::kJson
                               ? workloadInspectionJson(*inspection)
                               : workloadInspectionText(*inspection);
  printOutput(text);
  return kExitOk;
}

int runInspect(const InspectFlags& flags, const GlobalOptions& global) {
  if (isManifestName(flags.component)) return runInspectWorkload(flags, global);
  const Interrupt interrupt;
  const std::unique_ptr<Logger> log = makeStderrLogger(global.log_level, global.log_format);
  const auto inspection = inspectArgument(flags, global.user_config, *log);
  if (!inspection) return reportFailure(global.format, inspection.error(), interrupt);
  const std::string text = global.format == OutputFormat::kJson ? inspectionJson(*inspection)
                                                                : inspectionText(*inspection);
  printOutput(text);
  return kExitOk;
}

}  // namespace

void addInspectCommand(CLI::App& app, const GlobalOptions& global, Action& action) {
  CLI::App* command = app.add_subcommand(
      "inspect", "Show the world of a component, or how a workload is put together");
  auto flags = std::make_shared<InspectFlags>();
  command
      ->add_option("component", flags->component,
                   "A .wasm file, a project's folder, a reference, or a manifest")
      ->required()
      ->option_text("COMPONENT|MANIFEST");
  addReferenceFlags(*command, flags->source);
  addEngineFlags(*command, flags->engine);
  command->callback([flags, &global, &action] {
    Action::Inputs inputs;
    putProject(flags->component, inputs);
    action.set("inspect", std::move(inputs),
               [flags, &global](plugin::HookContext&) { return runInspect(*flags, global); });
  });
}

}  // namespace nimbus::wash
