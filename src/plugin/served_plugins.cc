#include "plugin/served_plugins.h"

#include <latch>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "engine/digest.h"
#include "plugin/contract_service.h"

namespace nimbus::plugin {
namespace {

// One may ask the user while another's program runs.
constexpr std::size_t kWorkerThreads = 2;
constexpr std::size_t kDigits = 32;  // of a digest

}  // namespace

// For whoever gives a plugin back, which may be after the end.
struct ServedPlugins::Owner {
  std::mutex mutex;
  ServedPlugins* plugins;  // null after the end
};

ServedPlugins::ServedPlugins(Parts parts)
    : parts_(parts),
      contracts_(contractsWithoutRunners()),
      worker_(kWorkerThreads),
      writer_(1),
      owner_(std::make_shared<Owner>()) {
  owner_->plugins = this;
}

// What is no letter of a name is told apart by the digest.
std::string ServedPlugins::nameOf(const PluginRuntime::Standing& standing) {
  const std::string text = standing.plugin.digest + standing.terms;
  return "plugin-" + engine::toHex(engine::sha256(asBytes(text))).substr(0, kDigits);
}

Result<void> ServedPlugins::add(std::unique_ptr<PluginRuntime::Standing> standing) {
  const std::string name = nameOf(*standing);
  {
    const std::lock_guard lock(mutex_);
    if (plugins_.contains(name)) return {};
  }
  TRY(auto component, loadPlugin(standing->plugin, parts_.engine));
  auto served = std::make_shared<ServedPlugin>(
      std::move(standing), std::move(component),
      ServedPlugin::Parts{parts_.runtime, parts_.shard, parts_.context, worker_, writer_,
                          parts_.log});
  const std::lock_guard lock(mutex_);
  plugins_.try_emplace(name, Entry{.plugin = std::move(served), .lent = {}});
  wanted_.insert(name);
  return {};
}

Result<host::Given> ServedPlugins::find(const std::string& name) {
  if (name == kContracts) return host::Given{contracts_, nullptr};
  const std::lock_guard lock(mutex_);
  const auto found = plugins_.find(name);
  if (found == plugins_.end())
    return fail(ErrorCode::kNotFound, "no plugin is served by the name " + name);
  const std::shared_ptr<ServedPlugin> plugin = lend(found->second);
  return host::Given{plugin, plugin->servesHttp() ? plugin : nullptr};
}

// The last user may be a generation that has been replaced, on its way out of any shard.
std::shared_ptr<ServedPlugin> ServedPlugins::lend(Entry& entry) {
  if (auto lent = entry.lent.lock()) return lent;
  std::shared_ptr<ServedPlugin> lent(
      entry.plugin.get(), [plugin = entry.plugin, owner = owner_](ServedPlugin* /*same*/) {
        const std::lock_guard lock(owner->mutex);
        if (owner->plugins == nullptr) return;
        owner->plugins->parts_.shard.shard.post([owner] {
          if (owner->plugins != nullptr) owner->plugins->endUnused();  // ends on this shard too
        });
      });
  entry.lent = lent;
  return lent;
}

void ServedPlugins::keepOnly(const std::set<std::string>& names) {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = names;
  }
  endUnused();
}

void ServedPlugins::endUnused() {
  const std::lock_guard lock(mutex_);
  for (auto each = plugins_.begin(); each != plugins_.end();) {
    const auto [plugin, lent] = each->second;
    if (wanted_.contains(each->first) || !lent.expired()) {
      ++each;
      continue;
    }
    parts_.shard.shard.post([plugin] { plugin->end(); });
    retired_.push_back(plugin);
    each = plugins_.erase(each);
  }
}

void ServedPlugins::end() {
  {
    const std::lock_guard lock(owner_->mutex);
    owner_->plugins = nullptr;
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [name, entry] : plugins_) entry.plugin->end();
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
