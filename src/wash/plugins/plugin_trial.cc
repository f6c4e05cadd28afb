#include "wash/plugins/plugin_trial.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/escape.h"
#include "base/files.h"
#include "base/text.h"
#include "engine/digest.h"
#include "plugin/info_json.h"
#include "plugin/json_writer.h"
#include "project/language_builder.h"
#include "project/temporary_folder.h"
#include "wash/flags/flag_check.h"
#include "wash/help/command_path.h"
#include "wash/help/usage_error.h"
#include "wash/plugins/plugin_serving.h"
#include "wash/plugins/plugin_source.h"
#include "wash/plugins/plugin_text.h"
#include "wash/project/project_builder.h"
#include "wash/terminal/interrupt.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;
namespace types = plugin::types;

struct TrialFlags {
  std::string source;
  std::vector<std::string> hooks;
  std::vector<std::string> context;  // KEY=VALUE
  int exit_status = 0;               // that after-hooks see
  std::vector<std::string> arguments;
  bool no_build = false;
};

// "before dev", "before-dev", "beforedev": before `dev`; "after push" is of `oci push`. Nothing for
// "dev-register", which belongs to no command.
Result<std::optional<types::Event>> parseHook(const std::string& text) {
  const std::string small = lowerAscii(text);
  if (small == "dev-register" || small == "devregister") return std::nullopt;
  types::Event event;
  std::string_view rest = small;
  if (rest.starts_with("before")) {
    rest.remove_prefix(6);
  } else if (rest.starts_with("after")) {
    event.phase = types::Phase::kAfter;
    rest.remove_prefix(5);
  } else {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: expected before or after and a command, such as before-dev, or "
                            "dev-register",
                            inQuotes(text)));
  }
  while (rest.starts_with('-') || rest.starts_with(' ')) rest.remove_prefix(1);
  event.command = rest == "push" ? "oci push" : std::string(rest);
  if (!event.command.empty()) return event;
  return fail(ErrorCode::kInvalidArgument, inQuotes(text) + ": no command is named");
}

Result<plugin::HookContext::Entries> parseContext(const std::vector<std::string>& pairs) {
  plugin::HookContext::Entries entries;
  for (const std::string& text : pairs) {
    TRY(auto pair, parseKeyValue(text));
    entries[std::move(pair.first)] = std::move(pair.second);
  }
  return entries;
}

struct HookTrial {
  std::string hook;
  bool success = false;
  std::string said;
  bool registers = false;  // dev-register
};

std::string entriesText(const plugin::HookContext::Entries& entries) {
  std::string text;
  for (const auto& [key, value] : entries) {
    text += "  ";
    appendEscaped(text, key);
    text += " = ";
    appendEscaped(text, std::string_view(value).substr(0, 200));
    text += '\n';
  }
  return text.empty() ? "  nothing\n" : text;
}

std::string entriesJson(const plugin::HookContext::Entries& entries) {
  plugin::JsonWriter out;
  for (const auto& [key, value] : entries) out.text(key, value);
  return std::move(out).finish();
}

std::string trialJson(const HookTrial& trial, const plugin::PluginInfo& info) {
  plugin::JsonWriter out;
  out.text("hook", trial.hook).boolean("success", trial.success).text("output", trial.said);
  if (trial.registers) out.raw("serves", servingJson(info));
  return std::move(out).finish();
}

// Whether there is anything to build in the folder: one may hold no more than a component.
bool canBeBuilt(const project::BuildRequest& request) {
  if (!request.config.build.command.empty()) return true;
  const auto builder = project::findBuilder(request.folder, request.config.build);
  return builder || builder.error().code() != ErrorCode::kNotFound;
}

// The binary to try: that of a project is built first.
Result<std::string> builtSource(const TrialFlags& flags, const GlobalOptions& global,
                                const Interrupt& interrupt) {
  std::error_code error;
  if (flags.no_build || !fs::is_directory(flags.source, error)) return flags.source;
  TRY(project::BuildRequest request, buildRequestFor(flags.source, {}, global));
  if (!canBeBuilt(request)) return flags.source;
  TRY(project::BuildOutcome built, buildOnTerminal(std::move(request), interrupt));
  return std::move(built.component_path);
}

class Trial {
 public:
  // `source`: a file, or what else plugins are installed from.
  Trial(const PluginCommandParts& parts, const TrialFlags& flags, std::string source)
      : parts_(parts), flags_(flags), source_(std::move(source)) {}

  // What is to be tried. Comes first.
  Result<void> open() {
    TRY(PluginBinary binary, readPluginBinary(source_, "", {}, parts_.global.user_config));
    TRY(runtime_, parts_.plugins.runtime());
    TRY(auto folder, project::TemporaryFolder::make("wash-plugin-"));
    folder_.emplace(std::move(folder));
    const std::string path = folder_->path().string();
    installed_.source = binary.source;
    installed_.bytes = binary.bytes.size();
    plugin::Plugin& plugin = installed_.plugin;
    TRY(plugin.info, inspectBinary(binary, *runtime_));
    plugin.digest = engine::digestText(engine::sha256(binary.bytes.view()));
    plugin.wasm_path = path + "/plugin.wasm";
    plugin.scratch_folder = path + "/data";
    plugin.config_path = path + "/config.json";
    return replaceFileDurably(path, "plugin.wasm", asText(binary.bytes.view()));
  }

  [[nodiscard]] bool isOfCommand() const {
    return flags_.hooks.empty() && !flags_.arguments.empty();
  }

  // The arguments are read as they would be behind `wash`. It is interrupted as such a command.
  Result<int> runCommand() {
    CLI::App app{"", "wash"};
    app.require_subcommand(1);
    Action action;
    const PluginCommandParts parts{parts_.plugins, parts_.global, action, flags_.arguments,
                                   trialData("[]")};
    addWordsOf(app, installed_.plugin, parts);
    if (const auto status = readWords(app, flags_.arguments, parts_.global.format)) return *status;
    TRY(const plugin::HookContext::Entries entries, parseContext(flags_.context));
    plugin::HookContext context(entries);
    return action.perform(context);
  }

  Result<int> runHooks() {
    TRY(const plugin::HookContext::Entries got, parseContext(flags_.context));
    plugin::HookContext context(got);
    std::vector<HookTrial> trials;
    for (const std::string& name : flags_.hooks) {
      TRY(auto event, parseHook(name));
      const bool registers = !event;
      const auto said = registers ? devRegister(context) : hook(*std::move(event), got, context);
      if (Interrupt::current().stop_requested()) return fail(ErrorCode::kCancelled, "interrupted");
      trials.push_back({name, said.has_value(), said ? *said : said.error().describe(), registers});
    }
    report(trials, got, context.below(""));
    const bool ok = std::ranges::all_of(trials, &HookTrial::success);
    return ok ? kExitOk : kExitFailed;
  }

 private:
  Result<std::string> hook(types::Event event, const plugin::HookContext::Entries& inputs,
                           plugin::HookContext& context) {
    event.inputs.assign(inputs.begin(), inputs.end());
    if (event.phase == types::Phase::kAfter) {
      event.outcome =
          types::Outcome{flags_.exit_status == 0, static_cast<std::uint8_t>(flags_.exit_status)};
    }
    return runtime_->hook(installed_.plugin, std::move(event), context);
  }

  // What is served is no hook's to say: it stands in the binary.
  Result<std::string> devRegister(plugin::HookContext& context) {
    TRY_VOID(servingText(installed_.plugin.info));
    return runtime_->devRegister(installed_.plugin, context);
  }

  void report(const std::vector<HookTrial>& trials, const plugin::HookContext::Entries& got,
              const plugin::HookContext::Entries& gave) const {
    std::string text = pluginDetails(installed_, {});
    for (const HookTrial& trial : trials) {
      const std::string said = escaped(trial.said);
      text += fmt::format("\nhook {}: {}{}{}", trial.hook, trial.success ? "ok" : "failed",
                          said.empty() ? "" : ": ", said);
      if (trial.registers && trial.success) text += "\n" + *servingText(installed_.plugin.info);
    }
    if (!trials.empty()) text += "\ngot\n" + entriesText(got) + "gave\n" + entriesText(gave);
    if (text.ends_with('\n')) text.pop_back();
    std::vector<DataField> data = trialData(jsonArray(
        trials, [&](const HookTrial& trial) { return trialJson(trial, installed_.plugin.info); }));
    data.emplace_back("got", entriesJson(got));
    data.emplace_back("gave", entriesJson(gave));
    printResult(parts_.global.format, text, data);
  }

  // What is shown of every trial.
  [[nodiscard]] std::vector<DataField> trialData(std::string hooks) const {
    return {{"plugin_path", jsonText(installed_.source)},
            {"args", jsonList(flags_.arguments)},
            {"hooks", std::move(hooks)},
            {"metadata", plugin::infoJson(installed_.plugin.info)}};
  }

  const PluginCommandParts& parts_;
  const TrialFlags& flags_;
  const std::string source_;
  plugin::PluginRuntime* runtime_ = nullptr;
  std::optional<project::TemporaryFolder> folder_;  // for what the plugin writes
  plugin::InstalledPlugin installed_;
};

// "oci push": those that hooks can be bound to.
void appendCommands(const CLI::App& app, const std::string& above,
                    std::vector<std::string>& names) {
  for (const CLI::App* command : commandsOf(app)) {
    const std::string name = above + command->get_name();
    if (command->get_require_subcommand_min() == 0) names.push_back(name);
    appendCommands(*command, name + " ", names);
  }
}

// A hook of a command that is not there would never run.
void checkHooks(const CLI::App& app, const std::vector<std::string>& hooks) {
  std::vector<std::string> names;
  appendCommands(app, "", names);
  for (const std::string& hook : hooks) {
    const auto event = parseHook(hook);
    if (event && *event && std::ranges::find(names, (*event)->command) == names.end())
      throw CLI::ValidationError("--hook", unknownCommand((*event)->command, app.get_name(),
                                                          {names.begin(), names.end()}));
  }
}

int runTrial(const PluginCommandParts& parts, const TrialFlags& flags) {
  const OutputFormat format = parts.global.format;
  const Interrupt interrupt;
  auto source = builtSource(flags, parts.global, interrupt);
  if (!source) return reportFailure(format, source.error(), interrupt);
  Trial trial(parts, flags, *std::move(source));
  if (const auto opened = trial.open(); !opened)
    return reportFailure(format, opened.error(), interrupt);
  if (!trial.isOfCommand()) {
    const auto done = trial.runHooks();
    return done ? *done : reportFailure(format, done.error(), interrupt);
  }
  if (interrupt.received()) return reportInterrupted(format, interrupt);
  const auto done = trial.runCommand();
  return done ? *done : reportFailure(format, done.error());
}

}  // namespace

void addPluginTest(CLI::App& group, const PluginCommandParts& parts) {
  auto flags = std::make_shared<TrialFlags>();
  CLI::App* command =
      group.add_subcommand("test", "Run hooks or a command of a plugin that is not installed");
  command->add_option("plugin", flags->source, "A file, or a project's folder, which is built")
      ->required();
  command->add_option("--hook", flags->hooks, "A hook to run: before-dev, after-push, dev-register")
      ->check(acceptedBy(parseHook))
      ->option_text("HOOK ...")
      ->allow_extra_args(false);
  command->add_option("--context", flags->context, "What the hooks' context begins with")
      ->check(acceptedBy(parseKeyValue))
      ->option_text("KEY=VALUE ...")
      ->allow_extra_args(false);
  command->add_option("--exit-status", flags->exit_status, "Of the command, for after-hooks")
      ->check(numberFrom(0, 255));
  command->add_flag("--no-build", flags->no_build, "Use a project's component as it lies there");
  command->add_option("arguments", flags->arguments, "A line as behind wash, for its command")
      ->option_text("[-- COMMAND LINE]");
  command->callback([flags, &parts, &app = *group.get_parent()] {
    checkHooks(app, flags->hooks);
    if (!flags->hooks.empty() && !flags->arguments.empty())
      throw CLI::ValidationError("--hook", "runs hooks, and a command line the command: give one");
    parts.action.set("plugin test", {{"plugin", flags->source}},
                     [flags, &parts](plugin::HookContext&) { return runTrial(parts, *flags); });
  });
}

}  // namespace nimbus::wash
