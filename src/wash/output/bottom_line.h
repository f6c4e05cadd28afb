#pragma once

#include <functional>
#include <mutex>
#include <string_view>

namespace nimbus::wash {

// Takes a line of a screen away, and leaves the cursor at its begin.
inline constexpr std::string_view kEraseLine = "\r\x1b[K";

// What is written to a screen, and one line below it that comes, changes and goes (StatusLine).
// Others write there while a ScreenTaken lives, or the line is left among what they write. Any
// thread.
class BottomLine {
 public:
  using Write = std::function<void(std::string_view)>;
  // `write` gets text and control sequences, from one thread at a time.
  explicit BottomLine(Write write);
  BottomLine(const BottomLine&) = delete;
  BottomLine& operator=(const BottomLine&) = delete;
  ~BottomLine();

  // Something to stay, as it is, above the line; a text may end within a line.
  void print(std::string_view text);
  // In place of the line before; not while what was printed has not ended its own, nor while the
  // screen is taken.
  void show(std::string_view line);
  void erase();

 private:
  const Write write_;
  std::mutex mutex_;
  bool visible_ = false;
  bool within_line_ = false;  // what was printed last has not ended its line
};

// Keeps the screen free of such lines, for a question to stand there. What was written before has
// left the queues of the process (OutputQueue), or half a second has gone. Any thread but a
// shard's.
class ScreenTaken {
 public:
  ScreenTaken();
  ScreenTaken(const ScreenTaken&) = delete;
  ScreenTaken& operator=(const ScreenTaken&) = delete;
  ~ScreenTaken();
};

}  // namespace nimbus::wash
