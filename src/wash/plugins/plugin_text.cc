#include "wash/plugins/plugin_text.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/escape.h"
#include "plugin/info_json.h"
#include "plugin/json_writer.h"
#include "wash/output/output.h"

namespace nimbus::wash {
namespace {

namespace types = plugin::types;

std::string hookText(const types::Hook& hook) {
  return (hook.phase == types::Phase::kBefore ? "before " : "after ") + escaped(hook.command);
}

// Hooks, command and sub-commands in a few words.
std::string whatItAdds(const plugin::PluginInfo& info) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (info.metadata.command) add("wash " + info.command_word);
  for (const types::Command& each : info.metadata.sub_commands)
    add("wash " + info.metadata.name + " " + each.name);
  for (const types::Hook& hook : info.metadata.hooks) add(hookText(hook));
  if (info.metadata.dev_register) add("dev-register");
  if (info.metadata.checks) add("checks");
  if (plugin::handlesHttp(info) && plugin::hasCommands(info)) add("HTTP while its command runs");
  return text.empty() ? "-" : text;
}

void addLine(std::string& text, std::string_view label, std::string_view value) {
  if (!value.empty()) text += fmt::format("{:<13}{}\n", label, escaped(value));
}

}  // namespace

std::string pluginTable(const std::vector<plugin::InstalledPlugin>& plugins) {
  if (plugins.empty()) return "No plugins are installed.";
  std::size_t name_width = 4;
  std::size_t version_width = 7;
  for (const auto& each : plugins) {
    name_width = std::max(name_width, each.plugin.name().size());
    version_width = std::max(version_width, escaped(each.plugin.info.metadata.version).size());
  }
  std::string text =
      fmt::format("{:<{}}  {:<{}}  ADDS", "NAME", name_width, "VERSION", version_width);
  for (const auto& each : plugins) {
    const auto& info = each.plugin.info;
    text += fmt::format("\n{:<{}}  {:<{}}  {}", info.metadata.name, name_width,
                        escaped(info.metadata.version), version_width, whatItAdds(info));
    if (!info.metadata.description.empty())
      text += fmt::format("\n{:<{}}  {}", "", name_width, escaped(info.metadata.description));
  }
  return text;
}

namespace {

std::string declaredText(const plugin::PluginInfo& info) {
  const types::Capabilities& declared = info.metadata.capabilities;
  std::string text;
  const auto add = [&](const plugin::Grant& grant, const std::string& reason) {
    text += "  " + plugin::describe(grant);
    if (!reason.empty()) text += "  (" + escaped(reason) + ")";
    text += '\n';
  };
  using Kind = plugin::Grant::Kind;
  for (const auto& program : declared.programs)
    add({Kind::kProgram, program.name, program.arguments}, program.reason);
  for (const auto& files : declared.files) {
    add({files.access == types::Access::kWrite ? Kind::kWrite : Kind::kRead, files.folder, {}},
        files.reason);
  }
  for (const auto& host : declared.hosts) add({Kind::kHost, host.host, {}}, host.reason);
  for (const std::string& variable : plugin::variablesOf(info))
    add({Kind::kVariable, variable, {}}, "for a flag");
  return text;
}

plugin::JsonWriter writerOf(const plugin::Grant& grant) {
  plugin::JsonWriter out;
  out.text("kind", plugin::kindName(grant.kind)).text("subject", grant.subject);
  out.texts("arguments", grant.arguments);
  return out;
}

std::string_view mayAskText(std::string_view kind) {
  return kind == "program" ? "run programs" : "connect to hosts by HTTP";
}

}  // namespace

std::string needsText(const plugin::PluginInfo& info) {
  std::string text;
  if (const std::string declared = declaredText(info); !declared.empty())
    text += "declares that it wants to\n" + declared;
  if (const auto kinds = plugin::mayAskFor(info); !kinds.empty()) {
    text += "may ask, without declaring which, to\n";
    for (const std::string& kind : kinds) text += fmt::format("  {}\n", mayAskText(kind));
  }
  if (plugin::handlesHttp(info) && !plugin::hasCommands(info))
    text +=
        "exports a handler of HTTP, which is served only while a command of it runs: it has none\n";
  return text;
}

std::string needsJson(const std::vector<plugin::Need>& needs) {
  return jsonArray(needs, [](const plugin::Need& need) {
    plugin::JsonWriter out = writerOf(need.grant);
    out.text("reason", need.reason).boolean("allowed", need.allowed);
    return std::move(out).finish();
  });
}

std::string pluginDetails(const plugin::InstalledPlugin& installed,
                          const std::vector<plugin::Grant>& grants) {
  const plugin::PluginInfo& info = installed.plugin.info;
  const types::Metadata& metadata = info.metadata;
  std::string text;
  addLine(text, "name", metadata.name);
  addLine(text, "version", metadata.version);
  addLine(text, "description", metadata.description);
  addLine(text, "contact", metadata.contact);
  addLine(text, "url", metadata.url);
  addLine(text, "license", metadata.license);
  addLine(text, "contract", plugin::abiName(info.abi));
  addLine(text, "adds", whatItAdds(info));
  for (const std::string& interface : info.interfaces) addLine(text, "exports", interface);
  addLine(text, "digest", installed.plugin.digest);
  addLine(text, "source", installed.source);
  addLine(text, "folder", installed.plugin.scratch_folder);
  text += needsText(info);
  text += grants.empty() ? "may do nothing without asking" : "may, as you agreed to,";
  for (const plugin::Grant& grant : grants) text += "\n  " + plugin::describe(grant);
  return text;
}

std::string grantsJson(const std::vector<plugin::Grant>& grants) {
  return jsonArray(grants, [](const plugin::Grant& grant) { return writerOf(grant).finish(); });
}

std::string pluginJson(const plugin::InstalledPlugin& installed) {
  plugin::JsonWriter out;
  out.text("name", installed.plugin.name()).text("digest", installed.plugin.digest);
  out.text("source", installed.source).text("path", installed.plugin.wasm_path);
  out.number("size", installed.bytes).raw("metadata", plugin::infoJson(installed.plugin.info));
  return std::move(out).finish();
}

}  // namespace nimbus::wash
