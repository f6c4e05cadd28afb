#include "wash/terminal/activities.h"

#include <algorithm>
#include <utility>

#include "wash/terminal/status_text.h"

namespace nimbus::wash {

Activities::Id Activities::begin(Activity activity) {
  const std::uint64_t done = activity.transfer ? activity.transfer->first : 0;
  const std::lock_guard lock(mutex_);
  entries_.push_back({++last_id_, std::move(activity), done});
  return last_id_;
}

void Activities::advance(Id id, std::uint64_t done) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(entries_, id, &Entry::id);
  if (found != entries_.end()) found->done = done;
}

bool Activities::end(Id id) {
  const std::lock_guard lock(mutex_);
  const bool newest = !entries_.empty() && entries_.back().id == id;
  std::erase_if(entries_, [id](const Entry& entry) { return entry.id == id; });
  return newest;
}

bool Activities::empty() const {
  const std::lock_guard lock(mutex_);
  return entries_.empty();
}

std::optional<Activities::Clock::time_point> Activities::newestBegan() const {
  const std::lock_guard lock(mutex_);
  if (entries_.empty()) return std::nullopt;
  return entries_.back().activity.began;
}

std::string Activities::text(Clock::time_point now, std::size_t columns) const {
  const std::lock_guard lock(mutex_);
  if (entries_.empty()) return {};
  const auto& [id, activity, done] = entries_.back();
  const double seconds = std::chrono::duration<double>(now - activity.began).count();
  if (!activity.transfer) return statusText(activity.what, seconds, columns);
  // It goes back where an attempt begins anew.
  const std::uint64_t moved = done - std::min(done, activity.transfer->first);
  return statusText(activity.what,
                    TransferState{done, activity.transfer->total,
                                  static_cast<double>(moved) / std::max(seconds, 0.001)},
                    columns);
}

std::vector<std::string> Activities::tell(Clock::time_point until) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> untold;
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    Activity& activity = entry->activity;
    if (activity.began > until || std::exchange(activity.is_told, true)) continue;
    const bool same = std::any_of(entries_.begin(), entry, [&](const Entry& before) {
      return before.activity.is_told && before.activity.what == activity.what;
    });
    if (!same) untold.push_back(activity.what);
  }
  return untold;
}

}  // namespace nimbus::wash
