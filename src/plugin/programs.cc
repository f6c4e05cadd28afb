#include "plugin/programs.h"

#include <algorithm>
#include <utility>

namespace nimbus::plugin {

Result<std::uint32_t> BackgroundPrograms::add(const std::string& plugin,
                                              std::unique_ptr<BackgroundProcess> process) {
  const std::lock_guard lock(mutex_);
  const auto count =
      std::ranges::count_if(running_, [&](const auto& each) { return each.first.first == plugin; });
  if (static_cast<std::size_t>(count) >= kMaxOfPlugin)
    return fail(ErrorCode::kResourceExhausted, "the plugin runs too many programs");
  running_.emplace(std::pair(plugin, ++last_), std::move(process));
  return last_;
}

bool BackgroundPrograms::stop(const std::string& plugin, std::uint32_t number) {
  std::unique_ptr<BackgroundProcess> stopped;
  const std::lock_guard lock(mutex_);
  const auto found = running_.find({plugin, number});
  if (found == running_.end()) return false;
  stopped = std::move(found->second);
  running_.erase(found);
  return true;
}

}  // namespace nimbus::plugin
