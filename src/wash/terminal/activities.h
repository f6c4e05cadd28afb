#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace nimbus::wash {

// What a program is busy with: things that begin and end in any order, of which the newest one is
// shown. Any thread; nothing blocks.
class Activities {
 public:
  using Clock = std::chrono::steady_clock;
  using Id = std::uint64_t;
  struct Transfer {
    std::uint64_t first = 0;  // bytes that were there before
    std::uint64_t total = 0;  // 0: nobody knows
  };
  struct Activity {
    std::string what;
    std::optional<Transfer> transfer = {};
    bool is_told = false;  // a plain line is not needed, or was written
    Clock::time_point began = {};
  };

  Id begin(Activity activity);
  // How many bytes of that transfer are there; cheap.
  void advance(Id id, std::uint64_t done);
  // Whether it was the newest.
  bool end(Id id);

  [[nodiscard]] bool empty() const;
  // When the newest began, if there is one.
  [[nodiscard]] std::optional<Clock::time_point> newestBegan() const;
  // The newest in so many columns; empty if there is none.
  [[nodiscard]] std::string text(Clock::time_point now, std::size_t columns) const;
  // What began by then and nobody was told of, the oldest first: now it is told. Of things with the
  // same text only one is told of, while they overlap.
  [[nodiscard]] std::vector<std::string> tell(Clock::time_point until);

 private:
  struct Entry {
    Id id;
    Activity activity;
    std::uint64_t done;
  };
  mutable std::mutex mutex_;  // all below
  Id last_id_ = 0;
  std::vector<Entry> entries_;  // in the order in which they began
};

}  // namespace nimbus::wash
