#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "host/bindings/providers.h"
#include "plugin/served_plugin.h"

namespace nimbus::plugin {

// The plugins that components of this process call, by names. The same version of a plugin, on the
// same terms, has the same name and stays the same Invoker, with what it remembers.
class ServedPlugins {
 public:
  struct Parts {
    PluginRuntime& runtime;
    engine::Engine& engine;
    host::ShardRuntime& shard;
    HookContext& context;
    Logger& log;
  };
  // All parts outlive it, but for end().
  explicit ServedPlugins(Parts parts);
  ServedPlugins(const ServedPlugins&) = delete;
  ServedPlugins& operator=(const ServedPlugins&) = delete;

  // A DNS name.
  [[nodiscard]] static std::string nameOf(const PluginRuntime::Standing& standing);
  // The name of contractsWithoutRunners(), which is always there.
  static constexpr const char* kContracts = "contracts";

  // From now on it is there to be found. Compiles it, unless it is already; any thread that may
  // block.
  [[nodiscard]] Result<void> add(std::unique_ptr<PluginRuntime::Standing> standing);
  // Any thread. kNotFound.
  [[nodiscard]] Result<host::Given> find(const std::string& name);
  // Ends those that are called otherwise, each as soon as nobody uses it any more: what was found
  // is used for as long as it is kept. Any thread.
  void keepOnly(const std::set<std::string>& names);

  // On the shard, last: all end. Waits for what they have under way on other threads, which nobody
  // may be asked about any more by then.
  void end();

 private:
  struct Entry {
    std::shared_ptr<ServedPlugin> plugin;
    std::weak_ptr<ServedPlugin> lent;  // expired: nobody uses it
  };
  struct Owner;
  [[nodiscard]] std::shared_ptr<ServedPlugin> lend(Entry& entry);
  void endUnused();
  void awaitJobs();

  const Parts parts_;
  const std::shared_ptr<wrpc::Invoker> contracts_;
  net::BlockingWorker worker_;
  net::BlockingWorker writer_;
  std::mutex mutex_;
  std::map<std::string, Entry> plugins_;
  std::set<std::string> wanted_;
  // That have ended: a job may still ask their permissions.
  std::vector<std::shared_ptr<ServedPlugin>> retired_;
  const std::shared_ptr<Owner> owner_;
};

}  // namespace nimbus::plugin
