#include "wash/terminal/status_line.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/escape.h"
#include "wash/terminal/screen.h"

namespace nimbus::wash {
namespace {

using Clock = Activities::Clock;

constexpr auto kDelay = std::chrono::milliseconds(500);
constexpr auto kInterval = std::chrono::milliseconds(100);
constexpr std::array<std::string_view, 4> kTurns{"|", "/", "-", "\\"};
constexpr std::size_t kTurnColumns = 2;

}  // namespace

// A place of its own if there is none.
StatusLine::StatusLine(BottomLine* place)
    : place_(place == nullptr ? own_.emplace(Screen::write) : *place),
      on_screen_(Screen::isThere()),
      coloured_(Screen::hasColours()) {
  worker_ = std::thread([this] { work(); });
}

StatusLine::StatusLine() : StatusLine(nullptr) {}

StatusLine::StatusLine(BottomLine& place) : StatusLine(&place) {}

StatusLine::StatusLine(std::string_view what, Elsewhere elsewhere) : StatusLine() {
  begin(what, elsewhere);
}

StatusLine::~StatusLine() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  worker_.join();
  place_.erase();
}

StatusLine::Id StatusLine::begin(std::string_view what, Elsewhere elsewhere) {
  return begin(Activities::Activity{
      .what = escaped(what), .is_told = elsewhere == Elsewhere::kNothing, .began = Clock::now()});
}

StatusLine::Id StatusLine::beginTransfer(std::string_view what, std::uint64_t done,
                                         std::uint64_t total) {
  return begin(Activities::Activity{
      .what = escaped(what), .transfer = Activities::Transfer{done, total}, .began = Clock::now()});
}

StatusLine::Id StatusLine::begin(Activities::Activity activity) {
  Id id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = going_on_.begin(std::move(activity));
  }
  changed_.notify_all();
  return id;
}

void StatusLine::end(Id id) {
  const std::lock_guard lock(mutex_);
  if (!going_on_.end(id)) return;  // something newer is shown
  place_.erase();
  shown_ = false;
}

void StatusLine::work() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto began = going_on_.newestBegan();
    if (!began) {
      changed_.wait(lock, [this] { return stopping_ || !going_on_.empty(); });
      continue;
    }
    // What is on the screen already goes on without a pause.
    const auto due = shown_ ? Clock::now() : *began + kDelay;
    if (changed_.wait_until(lock, std::max(due, Clock::now() + kInterval)) ==
        std::cv_status::no_timeout) {
      continue;
    }
    if (!going_on_.empty()) show();
  }
}

void StatusLine::show() {
  const auto now = Clock::now();
  if (!on_screen_) {
    for (const std::string& what : going_on_.tell(now - kDelay)) place_.print(what + "\n");
    return;
  }
  const std::size_t columns = Screen::columns();
  // A line that is full would wrap; one without room for the turning says nothing.
  if (columns <= kTurnColumns + 1) return;
  std::string line;
  if (coloured_) line += "\x1b[36m";
  line += kTurns.at(turn_++ % kTurns.size());
  if (coloured_) line += "\x1b[0m";
  line += " " + going_on_.text(now, columns - kTurnColumns - 1);
  place_.show(line);
  shown_ = true;
}

}  // namespace nimbus::wash
