// `wash run COMPONENT`: serves a component that handles HTTP, or runs one that is a command.

#include <stop_token>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "engine/engine.h"
#include "net/descriptors.h"
#include "wash/command.h"
#include "wash/flags/engine_flags.h"
#include "wash/flags/guest_options.h"
#include "wash/input/project_input.h"
#include "wash/input/resolve_reference.h"
#include "wash/inspect/inspect.h"
#include "wash/run/run_cli.h"
#include "wash/run/run_fit.h"
#include "wash/run/run_http.h"
#include "wash/terminal/interrupt.h"
#include "wash/terminal/status_line.h"
#include "wit/tools.h"

namespace nimbus::wash {
namespace {

struct RunFlags {
  std::string component;
  std::vector<std::string> arguments;
  ReferenceFlags source;
  GuestFlags guest;
  EngineFlags engine;
  HttpFlags http;
  std::vector<std::string> given_http;  // those of `http` that are on the command line
};

constexpr const char* kHttpFlags[] = {"--addr",      "--shards",          "--tls-cert",
                                      "--tls-key",   "--tls-client-ca",   "--access-log",
                                      "--pool-size", "--max-invocations", "--max-concurrency"};

// What there is to run. Of a module that is no command: the component that it becomes, which
// exports what its world says.
Result<wit::ComponentInfo> infoOf(ByteView binary) {
  TRY(wit::ComponentInfo info, wit::inspectComponent(binary));
  if (wit::runKind(info) != wit::RunKind::kPreview1 || info.entry == wit::ModuleEntry::kCommand)
    return info;
  TRY(const Bytes component, wit::wrapPreview1(binary));
  return wit::inspectComponent(component.view());
}

// Compiling cannot be told to stop, and nothing is lost where it does not come to its end: a signal
// ends the process at once, unless hooks of plugins follow.
Result<std::shared_ptr<const engine::Component>> compile(engine::Engine& engine,
                                                         const ResolvedComponent& resolved,
                                                         OutputFormat format,
                                                         const Interrupt& interrupt) {
  StatusLine line;
  const StatusLine::Id compiling = line.begin("Compiling " + resolved.path);
  const std::stop_callback received(interrupt.token(), [&] {
    if (!interrupt.isWhole()) return;
    line.end(compiling);
    static_cast<void>(reportInterrupted(format, interrupt));
    interrupt.endProcess();
  });
  return engine.load(resolved.bytes.view());
}

int run(const RunFlags& flags, const GlobalOptions& global) {
  const std::unique_ptr<Logger> log = makeStderrLogger(global.log_level, global.log_format);
  const auto failed = [&](const Error& error) { return reportFailure(global.format, error); };

  // What serves, or runs the command, has its own in this one.
  const Interrupt interrupt;
  const auto resolved =
      resolveComponentOrReference(flags.component, flags.source, global.user_config);
  if (!resolved) return reportFailure(global.format, resolved.error(), interrupt);
  net::raiseDescriptorLimit();
  auto spec = workloadOf(flags.guest, resolved->path);
  if (!spec) {
    const int status = failed(spec.error());
    return spec.error().code() == ErrorCode::kNotFound ? status : kExitUsage;
  }
  spec->components.front().name = shortNameOf(resolved->path);
  const auto info = infoOf(resolved->bytes.view());
  if (!info) return failed(Error(info.error().code(), resolved->path, info.error()));
  if (wit::runKind(*info) == wit::RunKind::kNone) {
    // What is broken may have lost its exports.
    if (const auto valid = wit::validate(resolved->bytes.view(), wit::Proposals::kAll); !valid)
      return failed(
          Error(valid.error().code(), resolved->path + " is not valid WebAssembly", valid.error()));
    return failed(Error(ErrorCode::kUnsupported, explainNotRunnable(*info)));
  }
  if (const auto fits = checkFits({flags.arguments, flags.given_http, flags.guest.providers},
                                  resolved->path, *info);
      !fits) {
    static_cast<void>(failed(fits.error()));
    return kExitUsage;
  }
  const auto plane = planeOptionsOf(flags.guest);
  if (!plane) return failed(plane.error());
  auto engine = engine::Engine::create(engineOptionsOf(flags.engine), *log);
  if (!engine) return failed(engine.error());
  const auto component = compile(**engine, *resolved, global.format, interrupt);
  if (!component) return failed(component.error());
  if (interrupt.received()) return reportInterrupted(global.format, interrupt);
  if (engine::isHttp((*component)->kind())) {
    return runHttp(**engine, *component, *spec, *plane, flags.http, global, *log);
  }
  return runCli(**engine, *component, *spec, *plane, flags.arguments, global, *log);
}

// The component's own words stand behind "--", also where they do not look like flags of `wash`.
void requireMark(const RunFlags& flags, std::size_t words_behind_mark) {
  if (flags.arguments.size() <= words_behind_mark) return;
  const auto first_behind = flags.arguments.end() - static_cast<std::ptrdiff_t>(words_behind_mark);
  throw CLI::ExtrasError("run", {flags.arguments.begin(), first_behind});
}

}  // namespace

void addRunCommand(CLI::App& app, const GlobalOptions& global, Action& action) {
  CLI::App* command = app.add_subcommand(
      "run", "Serve a component that handles HTTP, or run one that is a command");
  auto flags = std::make_shared<RunFlags>();
  command
      ->add_option("component", flags->component,
                   "A .wasm file, a project's folder, or a reference")
      ->required()
      ->option_text("COMPONENT");
  command->add_option("arguments", flags->arguments, "Arguments of a command, after --")
      ->option_text("[-- ARGUMENT ...]");
  addReferenceFlags(*command, flags->source);
  addGuestFlags(*command, flags->guest);
  addEngineFlags(*command, flags->engine);
  addHttpFlags(*command, flags->http);
  command->callback([command, flags, &global, &action] {
    requireMark(*flags, global.trailing);
    for (const char* name : kHttpFlags)
      if (command->get_option(name)->count() > 0) flags->given_http.emplace_back(name);
    Action::Inputs inputs;
    putProject(flags->component, inputs);
    action.set("run", std::move(inputs),
               [flags, &global](plugin::HookContext&) { return run(*flags, global); });
  });
}

}  // namespace nimbus::wash
