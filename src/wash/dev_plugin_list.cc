#include "wash/dev_plugin_list.h"

#include "base/text.h"
#include "host/files.h"
#include "plugin/config_file.h"
#include "plugin/grant_book.h"
#include "plugin/plugin_store.h"
#include "wash/data_folder.h"

namespace nimbus::wash {
namespace {

// A DNS label of the plugin's name.
std::string labelOf(const std::string& name) {
  std::string label = lowerAscii(name);
  for (char& c : label) {
    if (c == '_' || c == '.') c = '-';
  }
  while (label.ends_with('-')) label.pop_back();
  return label;
}

std::vector<std::string> hostsOf(const plugin::GrantBook& grants, const std::string& digest) {
  std::vector<std::string> hosts;
  const auto granted = grants.of(digest);
  if (!granted) return hosts;
  for (const plugin::Grant& grant : *granted) {
    if (grant.kind == plugin::Grant::Kind::kHost) hosts.push_back(grant.subject);
  }
  return hosts;
}

}  // namespace

std::vector<dev::DevPlugin> listDevPlugins() {
  const plugin::PluginStore store(pluginsFolder());
  const plugin::GrantBook grants(store.folder());
  std::vector<dev::DevPlugin> all;
  for (const plugin::InstalledPlugin& each : store.list().plugins) {
    const plugin::Plugin& plugin = each.plugin;
    const auto& dev_register = plugin.info.metadata.dev_register;
    if (!dev_register || !host::ensurePrivateFolder(plugin.scratch_folder)) continue;
    dev::DevPlugin& made = all.emplace_back();
    made.name = labelOf(plugin.name());
    made.component_path = plugin.wasm_path;
    made.exports = plugin.info.interfaces;
    made.long_lived = dev_register->long_lived;
    made.scratch_folder = plugin.scratch_folder;
    if (const auto config = plugin::readConfigFile(plugin.config_path))
      made.config = {config->begin(), config->end()};
    made.allowed_hosts = hostsOf(grants, plugin.digest);
  }
  return all;
}

}  // namespace nimbus::wash
