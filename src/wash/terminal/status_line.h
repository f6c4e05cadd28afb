#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace nimbus::wash {

// Says on standard error what the program is busy with, once that has taken half a second. On a
// screen: a line that turns, counts and is rewritten ten times a second, and goes when the work
// ends. Elsewhere: a plain line for each thing, unless others say so anyway. A thread of its own
// writes it, so that work that blocks is shown too; whoever writes to standard error meanwhile does
// so by print().
//
//   StatusLine line("Compiling " + name);
class StatusLine {
 public:
  enum class Elsewhere { kPlainLine, kNothing };

  // Nothing goes on yet.
  explicit StatusLine(Elsewhere elsewhere = Elsewhere::kPlainLine);
  explicit StatusLine(std::string_view what, Elsewhere elsewhere = Elsewhere::kPlainLine);
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;
  ~StatusLine();

  // Any thread. Names are escaped.
  void begin(std::string_view what);
  // The same for a transfer, of which `done` bytes are there; `total` 0: nobody knows.
  void beginTransfer(std::string_view what, std::uint64_t done, std::uint64_t total);
  // How many bytes are there; cheap.
  void advance(std::uint64_t done) { done_ = done; }
  void end();

  // Something to stay, as it is, above the line; a text may end within a line.
  void print(std::string_view text);

 private:
  using Clock = std::chrono::steady_clock;

  void begin(std::string_view what, bool is_transfer, std::uint64_t done, std::uint64_t total);
  void work();
  void show();
  [[nodiscard]] std::string text(std::size_t columns) const;
  void erase();

  const Elsewhere elsewhere_;
  const bool on_screen_;
  const bool coloured_;
  std::atomic<std::uint64_t> done_ = 0;

  std::mutex mutex_;  // all below
  std::condition_variable changed_;
  bool stopping_ = false;
  std::string what_;  // empty: nothing goes on
  bool is_transfer_ = false;
  std::uint64_t first_ = 0;  // bytes that were there before
  std::uint64_t total_ = 0;
  Clock::time_point began_;
  bool told_ = false;         // the plain line was written
  bool visible_ = false;      // the line stands on the screen
  bool within_line_ = false;  // what was printed last has not ended its line
  std::size_t turn_ = 0;
  std::thread worker_;
};

}  // namespace nimbus::wash
