#include "plugin/plugin_info.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/text.h"
#include "host/egress/egress_rules.h"

namespace nimbus::plugin {
namespace {

constexpr std::array kAbiNames{std::string_view("wasmcloud:wash@0.0.1"),
                               std::string_view("wasmcloud:wash@0.0.2"),
                               std::string_view("nimbus:wash@0.1.0")};

bool isLetterOrDigit(char c) {
  const char lower = lowerAscii(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

std::unexpected<Error> wrong(std::string message) {
  return fail(ErrorCode::kInvalidArgument, "the plugin's information: " + std::move(message));
}

Result<void> checkName(std::string_view what, std::string_view name) {
  if (isName(name)) return {};
  return wrong(fmt::format("{} {} is not of letters, digits, `-`, `_` and `.`, at most {}", what,
                           inQuotes(name), kMaxNameBytes));
}

Result<void> checkText(std::string_view what, std::string_view text) {
  if (text.size() <= kMaxTextBytes) return {};
  return wrong(fmt::format("{} has more than {} bytes", what, kMaxTextBytes));
}

Result<void> checkCount(std::string_view what, std::size_t count, std::size_t most) {
  if (count <= most) return {};
  return wrong(fmt::format("more than {} {}", most, what));
}

// A variable's name. Its value is handed to the plugin once the user has agreed to that.
Result<void> checkEnvironmentName(const std::optional<std::string>& name) {
  if (!name) return {};
  const bool valid =
      !name->empty() && name->size() <= kMaxNameBytes &&
      std::ranges::all_of(*name, [](char c) { return isLetterOrDigit(c) || c == '_'; });
  if (valid) return {};
  return wrong(inQuotes(*name) + " is no name of an environment variable");
}

Result<void> checkFlag(const types::Flag& flag, std::set<std::string>& known) {
  TRY_VOID(checkName("the flag", flag.name));
  TRY_VOID(checkText("a description", flag.description));
  TRY_VOID(checkText("a default", flag.default_.value_or("")));
  TRY_VOID(checkEnvironmentName(flag.env));
  if (flag.short_ && (*flag.short_ > 127 || !isLetterOrDigit(static_cast<char>(*flag.short_))))
    return wrong("the short form of " + inQuotes(flag.name) + " is not a letter or digit");
  std::vector<std::string> names{flag.name};
  if (flag.short_) names.emplace_back(1, static_cast<char>(*flag.short_));
  for (std::string& name : names) {
    if (name == "help" || name == "h" || !known.insert(std::move(name)).second)
      return wrong("the flag " + inQuotes(flag.name) + " is taken");
  }
  return {};
}

Result<void> checkArguments(const types::Command& command, std::set<std::string>& known) {
  for (std::size_t i = 0; i < command.arguments.size(); ++i) {
    const types::Argument& argument = command.arguments[i];
    TRY_VOID(checkName("the argument", argument.name));
    TRY_VOID(checkText("a description", argument.description));
    TRY_VOID(checkText("a default", argument.default_.value_or("")));
    if (!known.insert(argument.name).second)
      return wrong("the argument " + inQuotes(argument.name) + " is named twice");
    if (argument.kind == types::ValueKind::kSwitch)
      return wrong("the argument " + inQuotes(argument.name) + " is a switch");
    if (argument.repeated && i + 1 != command.arguments.size())
      return wrong("the argument " + inQuotes(argument.name) + " takes all that follow");
  }
  return {};
}

Result<void> checkCommand(const types::Command& command) {
  TRY_VOID(checkName("the command", command.name));
  TRY_VOID(checkText("a description", command.description));
  TRY_VOID(checkCount("flags and arguments", command.flags.size() + command.arguments.size(),
                      kMaxFlags));
  TRY_VOID(checkCount("examples", command.examples.size(), kMaxFlags));
  std::set<std::string> known;
  for (const types::Flag& flag : command.flags) TRY_VOID(checkFlag(flag, known));
  return checkArguments(command, known);
}

Result<void> checkCommands(const PluginInfo& info) {
  const types::Metadata& metadata = info.metadata;
  TRY_VOID(checkCount("sub-commands", metadata.sub_commands.size(), kMaxCommands));
  if (metadata.command) {
    TRY_VOID(checkName("the command", info.command_word));
    TRY_VOID(checkCommand(*metadata.command));
  }
  std::set<std::string> known;
  for (const types::Command& command : metadata.sub_commands) {
    TRY_VOID(checkCommand(command));
    if (!known.insert(lowerAscii(command.name)).second)
      return wrong("the sub-command " + inQuotes(command.name) + " is named twice");
  }
  return {};
}

Result<void> checkCapabilities(const types::Capabilities& wanted) {
  TRY_VOID(checkCount("programs", wanted.programs.size(), kMaxCapabilities));
  TRY_VOID(checkCount("folders", wanted.files.size(), kMaxCapabilities));
  TRY_VOID(checkCount("hosts", wanted.hosts.size(), kMaxCapabilities));
  for (const types::Program& program : wanted.programs) {
    TRY_VOID(checkCount("argument patterns", program.arguments.size(), kMaxPatterns));
    TRY_VOID(checkText("a reason", program.reason));
    if (program.name.empty() || program.name.find('\0') != std::string::npos)
      return wrong("a program without a name");
    if (program.name.contains('/') && !program.name.starts_with('/'))
      return wrong("the program " + inQuotes(program.name) +
                   " is neither a name nor an absolute path");
  }
  for (const types::Files& files : wanted.files) {
    TRY_VOID(checkText("a reason", files.reason));
    if (files.folder != "project" && !files.folder.starts_with('/'))
      return wrong("the folder " + inQuotes(files.folder) + " is neither `project` nor absolute");
  }
  for (const types::Host& host : wanted.hosts) {
    TRY_VOID(checkText("a reason", host.reason));
    const auto rule = host::HostRule::parse(host.host);
    if (!rule) return wrong("the host " + inQuotes(host.host) + ": " + rule.error().message());
  }
  return {};
}

Result<void> checkHooks(const std::vector<types::Hook>& hooks) {
  TRY_VOID(checkCount("hooks", hooks.size(), kMaxHooks));
  for (const types::Hook& hook : hooks) {
    if (hook.command.empty() || hook.command.size() > kMaxNameBytes)
      return wrong("a hook without a command");
  }
  return {};
}

}  // namespace

std::string_view abiName(Abi abi) { return kAbiNames.at(static_cast<std::size_t>(abi)); }

Result<Abi> parseAbi(std::string_view name) {
  const auto found = std::ranges::find(kAbiNames, name);
  if (found != kAbiNames.end()) return static_cast<Abi>(found - kAbiNames.begin());
  return fail(ErrorCode::kUnsupported, "plugins of " + inQuotes(name) + " are not known here");
}

bool isName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && isLetterOrDigit(name.front()) &&
         std::ranges::all_of(
             name, [](char c) { return isLetterOrDigit(c) || c == '-' || c == '_' || c == '.'; });
}

std::vector<std::string> commandWords(const PluginInfo& info) {
  std::vector<std::string> words;
  if (info.metadata.command) words.push_back(info.command_word);
  const bool own = !words.empty() && words.front() == info.metadata.name;
  if (!info.metadata.sub_commands.empty() && !own) words.push_back(info.metadata.name);
  return words;
}

std::vector<std::string> variablesOf(const PluginInfo& info) {
  std::set<std::string> names;
  const auto add = [&](const types::Command& command) {
    for (const types::Flag& flag : command.flags)
      if (flag.env) names.insert(*flag.env);
  };
  if (info.metadata.command) add(*info.metadata.command);
  for (const types::Command& each : info.metadata.sub_commands) add(each);
  return {names.begin(), names.end()};
}

bool hasCommands(const PluginInfo& info) {
  return info.metadata.command || !info.metadata.sub_commands.empty();
}

bool handlesHttp(const PluginInfo& info) {
  return std::ranges::any_of(info.interfaces, [](const std::string& name) {
    return name.starts_with("wasi:http/incoming-handler@") ||
           name.starts_with("wasi:http/handler@");
  });
}

Serving servingOf(const PluginInfo& info) {
  if (info.metadata.dev_register && info.metadata.dev_register->long_lived)
    return Serving::kLongLived;
  return info.uses_runner ? Serving::kCalled : Serving::kComposed;
}

std::vector<std::string> mayAskFor(const PluginInfo& info) {
  std::vector<std::string> kinds;
  if (info.abi == Abi::kNimbus010) return kinds;
  if (info.runs_programs) kinds.emplace_back("program");
  if (info.uses_http) kinds.emplace_back("host");
  return kinds;
}

std::string fileStem(std::string_view name) {
  std::string stem(name);
  for (char& c : stem) {
    if (!isLetterOrDigit(c) && c != '-' && c != '_') c = '_';
  }
  return stem;
}

Result<void> checkInfo(const PluginInfo& info) {
  const types::Metadata& metadata = info.metadata;
  TRY_VOID(checkName("the name", metadata.name));
  for (const std::string* text : {&metadata.description, &metadata.contact, &metadata.url,
                                  &metadata.license, &metadata.version}) {
    TRY_VOID(checkText("a text", *text));
  }
  TRY_VOID(checkCount("interfaces", info.interfaces.size(), kMaxInterfaces));
  TRY_VOID(checkCommands(info));
  TRY_VOID(checkHooks(metadata.hooks));
  return checkCapabilities(metadata.capabilities);
}

}  // namespace nimbus::plugin
