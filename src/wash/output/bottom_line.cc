#include "wash/output/bottom_line.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/output_queue.h"

namespace nimbus::wash {
namespace {

// What a screen that takes nothing is given.
constexpr Duration kFlushBound = std::chrono::milliseconds(500);

// All lines of the process: there is one screen.
struct Lines {
  std::mutex mutex;
  std::vector<BottomLine*> all;  // under the mutex
  std::atomic<int> taken = 0;
};

Lines& lines() {
  static Lines& lines = *new Lines;  // for threads that end after everything else
  return lines;
}

}  // namespace

BottomLine::BottomLine(Write write) : write_(std::move(write)) {
  const std::lock_guard lock(lines().mutex);
  lines().all.push_back(this);
}

BottomLine::~BottomLine() {
  {
    const std::lock_guard lock(lines().mutex);
    std::erase(lines().all, this);
  }
  erase();
}

void BottomLine::print(std::string_view text) {
  if (text.empty()) return;
  const std::lock_guard lock(mutex_);
  if (std::exchange(visible_, false)) {
    write_(std::string(kEraseLine).append(text));
  } else {
    write_(text);
  }
  within_line_ = !text.ends_with('\n');
}

void BottomLine::show(std::string_view line) {
  const std::lock_guard lock(mutex_);
  if (within_line_ || lines().taken > 0) return;
  write_(std::string(kEraseLine).append(line));
  visible_ = true;
}

void BottomLine::erase() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(visible_, false)) write_(kEraseLine);
}

ScreenTaken::ScreenTaken() {
  ++lines().taken;  // first: what is shown by now is erased
  {
    const std::lock_guard lock(lines().mutex);
    for (BottomLine* line : lines().all) line->erase();
  }
  // What waits for the screen would come over the question.
  OutputQueue::flushAll(kFlushBound);
}

ScreenTaken::~ScreenTaken() { --lines().taken; }

}  // namespace nimbus::wash
