#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "dev/dev_plugin.h"
#include "plugin/plugin_runtime.h"
#include "plugin/plugin_store.h"
#include "plugin/served_plugins.h"

namespace nimbus::wash {

// The installed plugins that serve interfaces to the components of `wash dev`. Those that may be
// composed are components with their own folder and configuration, and the folders and hosts that
// the user has agreed to. Called are those that keep an instance for all, or ask things of a
// runner, which only a called one has. All objects outlive it. Any thread, one at a time.
class DevPluginList {
 public:
  // `told`: which plugins are left out, as the user knows it.
  DevPluginList(plugin::PluginStore& store, plugin::PluginRuntime& runtime, Logger& log,
                std::vector<plugin::PluginStore::Problem> told)
      : store_(store), runtime_(runtime), log_(log), told_(std::move(told)) {}

  // As they are now, and the contracts that plugins import; those that are left out are logged
  // once. Called ones that are not as they were end with what uses them, and with that go the
  // folders of plugins that are not there any more.
  [[nodiscard]] std::vector<dev::DevPlugin> list(plugin::ServedPlugins& served);
  // One that is called is about to be.
  [[nodiscard]] Result<void> prepare(const dev::DevPlugin& plugin, plugin::ServedPlugins& served);
  // Once nothing uses them any more.
  void end() { store_.clean(); }

 private:
  void tell(std::vector<plugin::PluginStore::Problem> problems);
  [[nodiscard]] Result<dev::DevPlugin> devPluginOf(const plugin::Plugin& plugin);

  plugin::PluginStore& store_;
  plugin::PluginRuntime& runtime_;
  Logger& log_;
  std::vector<plugin::PluginStore::Problem> told_;  // those of the last list
  // Of the last list, by the names they are given by; null once it is served.
  std::map<std::string, std::unique_ptr<plugin::PluginRuntime::Standing>> called_;
};

}  // namespace nimbus::wash
