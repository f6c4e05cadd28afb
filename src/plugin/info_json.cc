#include "plugin/info_json.h"

#include <algorithm>
#include <array>
#include <utility>

#include "plugin/json_reader.h"
#include "plugin/json_writer.h"

namespace nimbus::plugin {
namespace {

constexpr std::array kKinds{std::string_view("text"), std::string_view("integer"),
                            std::string_view("path"), std::string_view("switch")};
constexpr std::array kPhases{std::string_view("before"), std::string_view("after")};
constexpr std::array kAccesses{std::string_view("read"), std::string_view("write")};

template <typename Names, typename Enum>
std::string_view nameOf(const Names& names, Enum value) {
  return names.at(static_cast<std::size_t>(value));
}

template <typename Enum, typename Names>
Enum enumOf(JsonReader& in, std::string_view key, const Names& names) {
  const auto found = std::ranges::find(names, in.text(key));
  if (found != names.end()) return static_cast<Enum>(found - names.begin());
  in.fail(key, "one of the words for it");
  return {};
}

void writeCommand(const types::Command& command, JsonWriter& out) {
  out.text("name", command.name).text("description", command.description);
  out.list("flags", command.flags, [](const types::Flag& flag, JsonWriter& item) {
    item.text("name", flag.name);
    if (flag.short_) item.text("short", std::string(1, static_cast<char>(*flag.short_)));
    item.text("description", flag.description).text("kind", nameOf(kKinds, flag.kind));
    item.optionalText("env", flag.env).optionalText("default", flag.default_);
    item.boolean("required", flag.required).boolean("repeated", flag.repeated);
  });
  out.list("arguments", command.arguments, [](const types::Argument& argument, JsonWriter& item) {
    item.text("name", argument.name).text("description", argument.description);
    item.text("kind", nameOf(kKinds, argument.kind));
    item.optionalText("default", argument.default_);
    item.boolean("required", argument.required).boolean("repeated", argument.repeated);
  });
  out.texts("examples", command.examples);
}

types::Flag readFlag(JsonReader& in) {
  types::Flag flag;
  flag.name = in.text("name");
  if (const auto letter = in.optionalText("short")) {
    if (letter->size() == 1) {
      flag.short_ = static_cast<unsigned char>(letter->front());
    } else {
      in.fail("short", "one letter");
    }
  }
  flag.description = in.text("description");
  flag.kind = enumOf<types::ValueKind>(in, "kind", kKinds);
  flag.env = in.optionalText("env");
  flag.default_ = in.optionalText("default");
  flag.required = in.boolean("required");
  flag.repeated = in.boolean("repeated");
  return flag;
}

types::Argument readArgument(JsonReader& in) {
  types::Argument argument;
  argument.name = in.text("name");
  argument.description = in.text("description");
  argument.kind = enumOf<types::ValueKind>(in, "kind", kKinds);
  argument.default_ = in.optionalText("default");
  argument.required = in.boolean("required");
  argument.repeated = in.boolean("repeated");
  return argument;
}

types::Command readCommand(JsonReader& in) {
  types::Command command;
  command.name = in.text("name");
  command.description = in.text("description");
  for (JsonReader& flag : in.objects("flags")) command.flags.push_back(readFlag(flag));
  for (JsonReader& each : in.objects("arguments")) command.arguments.push_back(readArgument(each));
  command.examples = in.texts("examples");
  return command;
}

std::string capabilitiesJson(const types::Capabilities& wanted) {
  JsonWriter out;
  out.list("programs", wanted.programs, [](const types::Program& program, JsonWriter& item) {
    item.text("name", program.name).texts("arguments", program.arguments);
    item.text("reason", program.reason);
  });
  out.list("files", wanted.files, [](const types::Files& files, JsonWriter& item) {
    item.text("folder", files.folder).text("access", nameOf(kAccesses, files.access));
    item.text("reason", files.reason);
  });
  out.list("hosts", wanted.hosts, [](const types::Host& host, JsonWriter& item) {
    item.text("host", host.host).text("reason", host.reason);
  });
  return std::move(out).finish();
}

types::Capabilities readCapabilities(JsonReader& in) {
  types::Capabilities wanted;
  for (JsonReader& program : in.objects("programs")) {
    wanted.programs.push_back(
        {program.text("name"), program.texts("arguments"), program.text("reason")});
  }
  for (JsonReader& files : in.objects("files")) {
    wanted.files.push_back({files.text("folder"), enumOf<types::Access>(files, "access", kAccesses),
                            files.text("reason")});
  }
  for (JsonReader& host : in.objects("hosts")) {
    wanted.hosts.push_back({host.text("host"), host.text("reason")});
  }
  return wanted;
}

void readMetadata(JsonReader& in, PluginInfo& info) {
  types::Metadata& metadata = info.metadata;
  metadata.name = in.text("name");
  metadata.description = in.text("description");
  metadata.contact = in.text("contact");
  metadata.url = in.text("url");
  metadata.license = in.text("license");
  metadata.version = in.text("version");
  if (auto command = in.optionalObject("command")) {
    metadata.command = readCommand(*command);
    info.command_word = in.text("command_word");
  }
  for (JsonReader& each : in.objects("sub_commands"))
    metadata.sub_commands.push_back(readCommand(each));
  for (JsonReader& hook : in.objects("hooks")) {
    metadata.hooks.push_back({enumOf<types::Phase>(hook, "phase", kPhases), hook.text("command")});
  }
  metadata.checks = in.boolean("checks");
  if (auto dev = in.optionalObject("dev_register"))
    metadata.dev_register = types::DevRegister{dev->boolean("long_lived")};
  if (auto wanted = in.optionalObject("capabilities"))
    metadata.capabilities = readCapabilities(*wanted);
}

}  // namespace

std::string infoJson(const PluginInfo& info) {
  const types::Metadata& metadata = info.metadata;
  JsonWriter out;
  out.text("abi", abiName(info.abi)).text("name", metadata.name);
  out.text("description", metadata.description).text("contact", metadata.contact);
  out.text("url", metadata.url).text("license", metadata.license);
  out.text("version", metadata.version);
  if (metadata.command) {
    JsonWriter command;
    writeCommand(*metadata.command, command);
    out.text("command_word", info.command_word).raw("command", std::move(command).finish());
  }
  out.list("sub_commands", metadata.sub_commands, writeCommand);
  out.list("hooks", metadata.hooks, [](const types::Hook& hook, JsonWriter& item) {
    item.text("phase", nameOf(kPhases, hook.phase)).text("command", hook.command);
  });
  out.boolean("checks", metadata.checks);
  if (metadata.dev_register) {
    JsonWriter dev;
    dev.boolean("long_lived", metadata.dev_register->long_lived);
    out.raw("dev_register", std::move(dev).finish());
  }
  out.raw("capabilities", capabilitiesJson(metadata.capabilities));
  out.texts("interfaces", info.interfaces).boolean("uses_http", info.uses_http);
  out.boolean("uses_runner", info.uses_runner).boolean("runs_programs", info.runs_programs);
  return std::move(out).finish();
}

Result<PluginInfo> parseInfoJson(std::string_view text) {
  if (text.size() > kMaxInfoBytes * 8)
    return fail(ErrorCode::kResourceExhausted, "the plugin's information is too large");
  TRY(JsonReader in, JsonReader::parse(text, "the plugin's information"));
  PluginInfo info;
  TRY(info.abi, parseAbi(in.text("abi")));
  readMetadata(in, info);
  info.interfaces = in.texts("interfaces");
  info.uses_http = in.boolean("uses_http");
  info.uses_runner = in.boolean("uses_runner");
  // Files of earlier versions do not tell.
  info.runs_programs = in.optionalBoolean("runs_programs").value_or(info.uses_runner);
  TRY_VOID(in.check());
  TRY_VOID(checkInfo(info));
  return info;
}

}  // namespace nimbus::plugin
