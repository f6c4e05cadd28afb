#include "wash/terminal/status_line.h"

#include <signal.h>

#include <algorithm>
#include <array>

#include "base/escape.h"
#include "wash/terminal/screen.h"
#include "wash/terminal/status_text.h"

namespace nimbus::wash {
namespace {

constexpr auto kDelay = std::chrono::milliseconds(500);
constexpr auto kInterval = std::chrono::milliseconds(100);
constexpr std::array<std::string_view, 4> kTurns{"|", "/", "-", "\\"};
constexpr std::size_t kTurnColumns = 2;

}  // namespace

StatusLine::StatusLine(Elsewhere elsewhere)
    : elsewhere_(elsewhere), on_screen_(Screen::isThere()), coloured_(Screen::hasColours()) {
  worker_ = std::thread([this] { work(); });
}

StatusLine::StatusLine(std::string_view what, Elsewhere elsewhere) : StatusLine(elsewhere) {
  begin(what);
}

StatusLine::~StatusLine() {
  end();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  worker_.join();
}

void StatusLine::begin(std::string_view what) { begin(what, false, 0, 0); }

void StatusLine::beginTransfer(std::string_view what, std::uint64_t done, std::uint64_t total) {
  begin(what, true, done, total);
}

void StatusLine::begin(std::string_view what, bool is_transfer, std::uint64_t done,
                       std::uint64_t total) {
  {
    const std::lock_guard lock(mutex_);
    what_.clear();
    appendEscaped(what_, what);
    is_transfer_ = is_transfer;
    done_ = done;
    first_ = done;
    total_ = total;
    began_ = Clock::now();
    told_ = false;
  }
  changed_.notify_all();
}

void StatusLine::end() {
  const std::lock_guard lock(mutex_);
  what_.clear();
  erase();
}

void StatusLine::print(std::string_view text) {
  if (text.empty()) return;
  const std::lock_guard lock(mutex_);
  erase();
  Screen::write(text);
  within_line_ = !text.ends_with('\n');
}

void StatusLine::erase() {
  if (visible_) Screen::write(kEraseLine);
  visible_ = false;
}

void StatusLine::work() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (what_.empty()) {
      changed_.wait(lock, [this] { return stopping_ || !what_.empty(); });
      continue;
    }
    // What is on the screen already goes on without a pause.
    const auto due = visible_ ? Clock::now() + kInterval : began_ + kDelay;
    if (changed_.wait_until(lock, std::max(due, Clock::now() + kInterval)) ==
        std::cv_status::no_timeout) {
      continue;
    }
    if (!what_.empty()) show();
  }
}

void StatusLine::show() {
  if (!on_screen_) {
    if (!told_ && elsewhere_ == Elsewhere::kPlainLine) Screen::write(what_ + "\n");
    told_ = true;
    return;
  }
  const std::size_t columns = Screen::columns();
  // A line that is full would wrap; one without room for the turning says nothing.
  if (within_line_ || columns <= kTurnColumns + 1) return;
  std::string line(kEraseLine);
  if (coloured_) line += "\x1b[36m";
  line += kTurns.at(turn_++ % kTurns.size());
  if (coloured_) line += "\x1b[0m";
  line += " " + text(columns - kTurnColumns - 1);
  Screen::write(line);
  visible_ = true;
}

std::string StatusLine::text(std::size_t columns) const {
  const double seconds = std::chrono::duration<double>(Clock::now() - began_).count();
  if (!is_transfer_) return statusText(what_, seconds, columns);
  const std::uint64_t done = done_;
  // It goes back where an attempt begins anew.
  const std::uint64_t moved = done - std::min(done, first_);
  return statusText(
      what_, TransferState{done, total_, static_cast<double>(moved) / std::max(seconds, 0.001)},
      columns);
}

}  // namespace nimbus::wash
