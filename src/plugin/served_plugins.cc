#include "plugin/served_plugins.h"

#include <latch>
#include <memory>
#include <utility>
#include <vector>

#include "base/text.h"
#include "plugin/contract_service.h"

namespace nimbus::plugin {
namespace {

// One may ask the user while another's program runs.
constexpr std::size_t kWorkerThreads = 2;
constexpr std::size_t kDigestPrefix = std::string_view("sha256:").size();
constexpr std::size_t kShownDigits = 32;

}  // namespace

ServedPlugins::ServedPlugins(Parts parts)
    : parts_(parts), contracts_(contractsWithoutRunners()), worker_(kWorkerThreads), writer_(1) {}

// What is no letter of a name is told apart by the digest.
std::string ServedPlugins::nameOf(const Plugin& plugin) {
  return "plugin-" + plugin.digest.substr(kDigestPrefix, kShownDigits);
}

Result<void> ServedPlugins::add(const Plugin& plugin) {
  const std::string name = nameOf(plugin);
  {
    const std::lock_guard lock(mutex_);
    if (plugins_.contains(name)) return {};
  }
  TRY(auto component, loadPlugin(plugin, parts_.engine));
  TRY(auto standing, parts_.runtime.standing(plugin));
  auto served = std::make_shared<ServedPlugin>(
      std::move(standing), std::move(component),
      ServedPlugin::Parts{parts_.runtime, parts_.shard, parts_.context, worker_, writer_,
                          parts_.log});
  const std::lock_guard lock(mutex_);
  plugins_.try_emplace(name, std::move(served));
  return {};
}

Result<host::Given> ServedPlugins::find(const std::string& name) {
  if (name == kContracts) return host::Given{contracts_, nullptr};
  const std::lock_guard lock(mutex_);
  const auto found = plugins_.find(name);
  if (found == plugins_.end())
    return fail(ErrorCode::kNotFound, "no plugin is served by the name " + name);
  const std::shared_ptr<ServedPlugin>& plugin = found->second;
  return host::Given{plugin, plugin->servesHttp() ? plugin : nullptr};
}

void ServedPlugins::keepOnly(const std::set<std::string>& names) {
  const std::lock_guard lock(mutex_);
  std::erase_if(plugins_, [&](auto& entry) {
    if (names.contains(entry.first) || entry.second.use_count() != 1) return false;
    parts_.shard.shard.post([served = entry.second] { served->end(); });
    retired_.push_back(std::move(entry.second));
    return true;
  });
}

void ServedPlugins::end() {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, plugin] : plugins_) plugin->end();
  awaitJobs();
  plugins_.clear();
  retired_.clear();
}

// Each of the threads comes here once it has done what was there before.
void ServedPlugins::awaitJobs() {
  const auto all = std::make_shared<std::latch>(kWorkerThreads + 1);
  for (std::size_t i = 0; i < kWorkerThreads; ++i) worker_.post([all] { all->arrive_and_wait(); });
  all->arrive_and_wait();
}

}  // namespace nimbus::plugin
