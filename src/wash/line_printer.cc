#include "wash/line_printer.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace nimbus::wash {
namespace {

constexpr std::size_t kMostWaitingBytes = 4 * 1024 * 1024;

// What cannot be written is lost: there is nowhere else to say so.
void writeAll(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

LinePrinter::LinePrinter() : thread_([this] { work(); }) {}

LinePrinter::~LinePrinter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void LinePrinter::print(To to, std::string_view line) { append(to, line, "\n"); }

void LinePrinter::write(To to, std::string_view text) { append(to, text, ""); }

void LinePrinter::append(To to, std::string_view text, std::string_view end) {
  {
    const std::lock_guard lock(mutex_);
    if (bytes_ + text.size() > kMostWaitingBytes) {
      dropped_ += 1;
      return;
    }
    if (pieces_.empty() || pieces_.back().to != to) pieces_.push_back({to, {}});
    pieces_.back().text.append(text).append(end);
    bytes_ += text.size() + end.size();
  }
  changed_.notify_all();
}

void LinePrinter::work() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return !pieces_.empty() || stopping_; });
    if (pieces_.empty()) return;
    const std::deque<Piece> pieces = std::exchange(pieces_, {});
    const std::uint64_t dropped = std::exchange(dropped_, 0);
    bytes_ = 0;
    lock.unlock();
    for (const Piece& piece : pieces)
      writeAll(piece.to == To::kOutput ? STDOUT_FILENO : STDERR_FILENO, piece.text);
    if (dropped > 0)
      writeAll(STDERR_FILENO, std::to_string(dropped) + " lines of output were dropped\n");
    lock.lock();
  }
}

}  // namespace nimbus::wash
