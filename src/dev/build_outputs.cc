#include "dev/build_outputs.h"

#include <algorithm>

namespace nimbus::dev {

std::vector<std::string> BuildOutputs::buildEnded(const Inputs& before, const Inputs& after) {
  const std::vector<std::string> during = changedPaths(before, after);
  std::erase_if(outputs_,
                [&](const std::string& path) { return !std::ranges::binary_search(during, path); });
  const bool by_itself = before == last_after_;
  std::map<std::string, int> streak;
  std::vector<std::string> recognised;
  for (const std::string& path : during) {
    const auto known = streak_.find(path);
    const int count = by_itself && known != streak_.end() ? known->second + 1 : 1;
    if (count >= kRecognisedAfter && outputs_.insert(path).second) recognised.push_back(path);
    streak[path] = count;
  }
  streak_ = std::move(streak);
  last_after_ = after;
  return recognised;
}

Inputs BuildOutputs::builtInputs(const Inputs& before, const Inputs& after) const {
  Inputs built = before;
  for (const std::string& path : outputs_) {
    const auto now = after.find(path);
    if (now == after.end()) {
      built.erase(path);
    } else {
      built[path] = now->second;
    }
  }
  return built;
}

bool BuildOutputs::isSuspicious(const Inputs& now) const {
  return now == last_after_ && std::ranges::any_of(streak_, [](const auto& entry) {
           return entry.second >= kSuspiciousAfter;
         });
}

}  // namespace nimbus::dev
