#include "wash/line_printer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "base/check.h"

namespace nimbus::wash {
namespace {

// Takes what goes to standard output and standard error while it lives.
class Captured {
 public:
  Captured() {
    NIMBUS_CHECK(::pipe2(pipe_.data(), O_CLOEXEC) == 0);
    for (int stream : {STDOUT_FILENO, STDERR_FILENO}) {
      before_[stream] = ::dup(stream);
      ::dup2(pipe_[1], stream);
    }
  }
  // What comes, up to that end.
  std::string read(std::string_view end) {
    std::string text;
    std::array<char, 65536> buffer;
    while (!text.ends_with(end)) {
      const ssize_t count = ::read(pipe_[0], buffer.data(), buffer.size());
      if (count <= 0) break;
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text;
  }
  // Ends it, and gives what came.
  std::string take() {
    for (int stream : {STDOUT_FILENO, STDERR_FILENO}) {
      ::dup2(before_[stream], stream);
      ::close(before_[stream]);
    }
    ::close(pipe_[1]);
    std::string text;
    std::array<char, 4096> buffer;
    for (ssize_t count; (count = ::read(pipe_[0], buffer.data(), buffer.size())) > 0;)
      text.append(buffer.data(), static_cast<std::size_t>(count));
    ::close(pipe_[0]);
    return text;
  }

 private:
  std::array<int, 2> pipe_{};
  std::array<int, 3> before_{};
};

TEST(LinePrinterTest, LinesOfBothStreamsComeInOrder) {
  Captured captured;
  {
    LinePrinter lines;
    lines.print(LinePrinter::To::kOutput, "one");
    lines.print(LinePrinter::To::kError, "two");
    lines.write(LinePrinter::To::kError, "three\nfour\n");
    lines.print(LinePrinter::To::kOutput, "five");
  }
  EXPECT_EQ(captured.take(), "one\ntwo\nthree\nfour\nfive\n");
}

TEST(LinePrinterTest, WhatAStoppedTerminalDoesNotTakeIsDroppedAndCounted) {
  Captured captured;
  std::string text;
  {
    LinePrinter lines;
    // The pipe takes a little and the queue a few of these: printing never waits.
    for (int i = 0; i < 20; ++i) lines.print(LinePrinter::To::kOutput, std::string(1 << 20, 'x'));
    text = captured.read(" lines of output were dropped\n");
  }
  captured.take();
  EXPECT_TRUE(text.ends_with(" lines of output were dropped\n"));
  EXPECT_LT(text.size(), std::size_t{12} << 20);
}

}  // namespace
}  // namespace nimbus::wash
