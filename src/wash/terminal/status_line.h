#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "wash/output/bottom_line.h"
#include "wash/terminal/activities.h"

namespace nimbus::wash {

// Says on standard error what the program is busy with, once that has taken half a second. On a
// screen: a line that turns, counts and is rewritten ten times a second, and goes when the work
// ends. Elsewhere: a plain line for each thing, unless others say so anyway. A thread of its own
// writes it, so that work that blocks is shown too; whoever writes to standard error meanwhile does
// so by print(), or by print() of the line's place. Any thread.
//
//   StatusLine line("Compiling " + name);
class StatusLine {
 public:
  enum class Elsewhere { kPlainLine, kNothing };

  // Nothing goes on yet.
  StatusLine();
  explicit StatusLine(std::string_view what, Elsewhere elsewhere = Elsewhere::kPlainLine);
  // The same where others print too; `place` is on standard error, and outlives it.
  explicit StatusLine(BottomLine& place);
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;
  ~StatusLine();

  using Id = Activities::Id;
  // Until its end() this is what is shown, or else the newest that goes on. Names are escaped.
  Id begin(std::string_view what, Elsewhere elsewhere = Elsewhere::kPlainLine);
  // The same for a transfer, of which `done` bytes are there; `total` 0: nobody knows.
  [[nodiscard]] Id beginTransfer(std::string_view what, std::uint64_t done, std::uint64_t total);
  // How many bytes of it are there; cheap.
  void advance(Id id, std::uint64_t done) { going_on_.advance(id, done); }
  void end(Id id);

  // Something to stay, as it is, above the line; a text may end within a line.
  void print(std::string_view text) { place_.print(text); }

 private:
  explicit StatusLine(BottomLine* place);
  Id begin(Activities::Activity activity);
  void work();
  void show();

  std::optional<BottomLine> own_;
  BottomLine& place_;
  const bool on_screen_;
  const bool coloured_;
  Activities going_on_;  // begins and ends under the mutex

  std::mutex mutex_;  // all below
  std::condition_variable changed_;
  bool stopping_ = false;
  bool shown_ = false;  // the newest, or one before it
  std::size_t turn_ = 0;
  std::thread worker_;
};

}  // namespace nimbus::wash
