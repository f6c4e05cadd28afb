#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace nimbus::http {

// The streams that a client of HTTP/2 passed over: the first use of a number closes all lower ones
// that were not used, and to open one of them is an error of the connection (RFC 9113 5.1.1).
// Streams that did exist are told apart from them, since frames may still be on their way there.
// A client that leaves more gaps than are remembered has only the oldest forgotten.
class SkippedStreams {
 public:
  static constexpr std::size_t kMaxGaps = 64;

  // A HEADERS frame came on this stream. False: it had been passed over. Those with an even number
  // are not the client's.
  [[nodiscard]] bool admits(std::int32_t id) {
    if (id % 2 == 0) return true;
    if (id <= highest_) return !contains(id);
    if (id > highest_ + 2) {
      if (gaps_.size() == kMaxGaps) gaps_.erase(gaps_.begin());
      gaps_.push_back({.first = highest_ + 2, .last = id - 2});
    }
    highest_ = id;
    return true;
  }

 private:
  struct Gap {
    std::int32_t first;
    std::int32_t last;
  };

  [[nodiscard]] bool contains(std::int32_t id) const {
    return std::ranges::any_of(gaps_,
                               [id](const Gap& gap) { return gap.first <= id && id <= gap.last; });
  }

  std::vector<Gap> gaps_;
  std::int32_t highest_ = -1;
};

}  // namespace nimbus::http
