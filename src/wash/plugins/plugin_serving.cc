#include "wash/plugins/plugin_serving.h"

#include <string_view>

#include <fmt/format.h>

#include "base/escape.h"
#include "plugin/json_writer.h"
#include "wit/interface_name.h"

namespace nimbus::wash {
namespace {

using plugin::Serving;

std::string_view nameOf(Serving serving) {
  switch (serving) {
    case Serving::kComposed: return "composed";
    case Serving::kCalled: return "called";
    case Serving::kLongLived: return "long-lived";
  }
  return {};
}

std::string_view explained(Serving serving) {
  switch (serving) {
    case Serving::kComposed: return "composed with each component: an instance within each of its";
    case Serving::kCalled: return "called by components: an instance for each of theirs";
    case Serving::kLongLived: return "called by components: one instance for all, which stays";
  }
  return {};
}

std::string importsText(const std::string& version, const std::string& range) {
  if (version.empty()) return "without a version";
  return range == version ? "of just this version" : fmt::format("of any version {}.*", range);
}

}  // namespace

Result<std::string> servingText(const plugin::PluginInfo& info) {
  if (!info.metadata.dev_register)
    return fail(ErrorCode::kInvalidArgument,
                "it does not say dev-register of itself, so that wash dev does not use it");
  if (info.interfaces.empty())
    return fail(ErrorCode::kInvalidArgument,
                "it exports nothing beside its contract, so that it serves nothing to wash dev");
  std::string text;
  for (const std::string& name : info.interfaces) {
    const std::string version = wit::parseInterfaceName(name).version;
    text += fmt::format("  serves {} to imports {}\n", escaped(name),
                        importsText(version, wit::compatibleRange(version)));
  }
  return text + fmt::format("  {}", explained(plugin::servingOf(info)));
}

std::string servingJson(const plugin::PluginInfo& info) {
  plugin::JsonWriter out;
  out.text("instance", nameOf(plugin::servingOf(info)));
  out.list("interfaces", info.interfaces, [](const std::string& name, plugin::JsonWriter& item) {
    item.text("name", name);
    item.text("versions", wit::compatibleRange(wit::parseInterfaceName(name).version));
  });
  return std::move(out).finish();
}

}  // namespace nimbus::wash
