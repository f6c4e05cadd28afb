#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace nimbus::wash {

// Writes whole lines to standard output and standard error from a thread of its own, in the order
// they came, so that a terminal that is stopped never stops a shard. While more than a few
// megabytes wait, lines are dropped and counted. Any thread; destroying it writes what is left.
class LinePrinter {
 public:
  enum class To { kOutput, kError };

  LinePrinter();
  LinePrinter(const LinePrinter&) = delete;
  LinePrinter& operator=(const LinePrinter&) = delete;
  ~LinePrinter();

  // `line` has no line feed at its end.
  void print(To to, std::string_view line);
  // What a program wrote: passed on as it is.
  void write(To to, std::string_view text);

 private:
  struct Piece {
    To to;
    std::string text;
  };
  void append(To to, std::string_view text, std::string_view end);
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Piece> pieces_;
  std::size_t bytes_ = 0;  // in them
  std::uint64_t dropped_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace nimbus::wash
