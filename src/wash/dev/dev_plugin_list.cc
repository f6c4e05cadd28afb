#include "wash/dev/dev_plugin_list.h"

#include <algorithm>
#include <set>

#include "base/files.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "plugin/component_rights.h"
#include "plugin/contract_service.h"
#include "plugin/plugin_folders.h"
#include "plugin/sandbox_folders.h"

namespace nimbus::wash {
namespace {

// A DNS label of the plugin's name that nobody else has.
std::string labelOf(const std::string& name, std::set<std::string>& taken) {
  std::string label = lowerAscii(name);
  for (char& c : label) {
    if (c == '_' || c == '.') c = '-';
  }
  label.resize(std::min<std::size_t>(label.size(), 48));
  while (label.ends_with('-')) label.pop_back();
  std::string unique = label;
  for (int number = 2; !taken.insert(unique).second; ++number)
    unique = label + "-" + std::to_string(number);
  return unique;
}

dev::DevPlugin contracts() {
  dev::DevPlugin made;
  made.name = "wash";
  made.exports = plugin::contractInterfaces();
  made.given = plugin::ServedPlugins::kContracts;
  return made;
}

}  // namespace

std::vector<dev::DevPlugin> DevPluginList::list(plugin::ServedPlugins& served) {
  store_.clean();
  std::vector<dev::DevPlugin> all{contracts()};
  std::set<std::string> labels;
  called_.clear();
  plugin::PluginStore::Listing installed = store_.list();
  tell(std::move(installed.problems));
  for (const plugin::InstalledPlugin& each : installed.plugins) {
    const plugin::Plugin& plugin = each.plugin;
    if (!plugin.info.metadata.dev_register) continue;
    auto made = devPluginOf(plugin);
    if (!made) {
      log_.warn("a plugin is left out",
                {{"plugin", plugin.name()}, {"reason", made.error().describe()}});
      continue;
    }
    made->name = labelOf(plugin.name(), labels);
    all.push_back(*std::move(made));
  }
  std::set<std::string> names;
  for (const auto& [name, standing] : called_) names.insert(name);
  served.keepOnly(names);
  return all;
}

void DevPluginList::tell(std::vector<plugin::PluginStore::Problem> problems) {
  for (const plugin::PluginStore::Problem& problem : problems)
    if (std::ranges::find(told_, problem) == told_.end()) log_.warn(problem.describe());
  told_ = std::move(problems);
}

Result<dev::DevPlugin> DevPluginList::devPluginOf(const plugin::Plugin& plugin) {
  dev::DevPlugin made;
  made.exports = plugin.info.interfaces;
  TRY_VOID(ensurePrivateFolder(plugin.scratch_folder));
  TRY(auto folder, plugin::holdFolder(plugin.scratch_folder));
  TRY(const std::string stamp, plugin::stampOf(folder));
  made.held.things.push_back(std::make_shared<const UniqueFd>(std::move(folder)));
  TRY(auto standing, runtime_.standing(plugin));
  // Of an instance that has another folder by the same name, too.
  standing->terms += stamp;
  if (plugin::servingOf(plugin.info) != plugin::Serving::kComposed) {
    made.given = plugin::ServedPlugins::nameOf(*standing);
    called_[made.given] = std::move(standing);
    return made;
  }
  TRY(const auto folders, plugin::sandboxFolders(plugin, standing->permissions));
  made.component_path = plugin.wasm_path;
  made.digest = plugin.digest;
  for (const auto& [key, value] : standing->config.below("")) made.config[key] = value;
  for (const plugin::Permissions::Folder& folder : folders) {
    const bool own = folder.host_path == plugin.scratch_folder;
    made.folders.push_back({.host_path = folder.host_path,
                            .guest_path = folder.guest_path,
                            .read_only = folder.read_only,
                            .own = own,
                            .stamp = own ? stamp : std::string()});
  }
  made.allowed_hosts = plugin::allowedHostsOf(standing->permissions);
  made.allowed_loopback_ports = plugin::loopbackPortsOf(made.allowed_hosts);
  return made;
}

Result<void> DevPluginList::prepare(const dev::DevPlugin& plugin, plugin::ServedPlugins& served) {
  const auto found = called_.find(plugin.given);
  if (found == called_.end() || !found->second) return {};
  return served.add(std::move(found->second));
}

}  // namespace nimbus::wash
