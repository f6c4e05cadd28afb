#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace nimbus {

// Lines to a descriptor whose reader may be slow or gone, for threads that must not wait for it.
// What the descriptor takes at once is written by the caller; the rest waits, in order, for a
// thread that starts when it is needed first. When too much waits, lines are dropped until half of
// it has gone, and the next line that fits, or the end of what waited, says how many. Lines are
// accepted or dropped whole, and leave in writes of whole lines that a pipe takes whole (of
// PIPE_BUF bytes at most, unless one line is longer), so that other writers cannot tear them. Any
// thread.
class OutputQueue {
 public:
  // What an output's reader is given at the end.
  static constexpr Duration kEndBound = std::chrono::seconds(2);

  struct Options {
    std::size_t most_bytes = std::size_t{1} << 20;  // that wait
    // The line to write about so many lost ones, with its end, or nothing. Called by any thread,
    // one at a time; must not write to this queue.
    std::function<std::string(std::uint64_t lost)> about_lost;
    Duration end_bound = kEndBound;
  };

  // The caller keeps `descriptor` open as long as it writes.
  OutputQueue(int descriptor, Options options);
  OutputQueue(const OutputQueue&) = delete;
  OutputQueue& operator=(const OutputQueue&) = delete;
  // Flushes, within the bound of the options. What nobody has read by then is lost.
  ~OutputQueue();

  // One or more whole lines. Returns the error number if the descriptor refused them just now, 0
  // otherwise; what it refuses later is lost without a word.
  int write(std::string_view lines);
  // The same for lines that count as `worth` lost ones if they are dropped. Takes from the front of
  // `lines` what the descriptor had taken before it refused the rest, all of it otherwise.
  int take(std::string_view& lines, std::uint64_t worth);
  // Waits until nothing waits any more, at most for `bound`. Whether it came to that.
  bool flush(Duration bound);
  // Before an end without destructors: flushes all queues of the process, at most for `bound`.
  static void flushAll(Duration bound = kEndBound);

 private:
  class All;
  class Work;  // what the thread needs; outlives this if the thread cannot be ended

  const std::shared_ptr<Work> work_;
};

}  // namespace nimbus
