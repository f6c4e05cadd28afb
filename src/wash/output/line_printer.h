#pragma once

#include <optional>
#include <string_view>

#include "base/output_queue.h"
#include "wash/output/bottom_line.h"

namespace nimbus::wash {

// Writes whole lines to standard output and standard error, so that a terminal that is stopped, or
// a pipe that nobody reads, never stops a shard (OutputQueue). If both are the same pipe or
// terminal, lines leave in the order they came; otherwise neither waits for the other's reader.
// While more than a few megabytes wait, lines are dropped; standard error tells how many. Any
// thread; destroying it writes what is left, for two seconds at most on each of its outputs.
class LinePrinter {
 public:
  enum class To { kOutput, kError };

  LinePrinter();

  // `line` has no line feed at its end.
  void print(To to, std::string_view line);
  // What a program wrote: passed on as it is.
  void write(To to, std::string_view text);

  // A line below all that goes to standard error, and to standard output if that is the same.
  [[nodiscard]] BottomLine& bottom() { return bottom_; }

 private:
  OutputQueue error_;
  BottomLine bottom_;                  // writes to it
  std::optional<OutputQueue> output_;  // tells `bottom_` what it lost; nothing: the same
};

}  // namespace nimbus::wash
