#include "wash/output/line_printer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
#include <utility>

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
  // From now on what comes is taken at once; before, the pipe holds a little and then stops.
  void readAside() {
    reader_ = std::thread([this] { readToEnd(); });
  }
  // Ends it, and gives what came.
  std::string take() {
    for (int stream : {STDOUT_FILENO, STDERR_FILENO}) {
      ::dup2(before_[stream], stream);
      ::close(before_[stream]);
    }
    ::close(pipe_[1]);
    if (reader_.joinable())
      reader_.join();
    else
      readToEnd();
    ::close(pipe_[0]);
    return std::move(text_);
  }

 private:
  void readToEnd() {
    std::array<char, 65536> buffer;
    for (ssize_t count; (count = ::read(pipe_[0], buffer.data(), buffer.size())) > 0;)
      text_.append(buffer.data(), static_cast<std::size_t>(count));
  }

  std::array<int, 2> pipe_{};
  std::array<int, 3> before_{};
  std::string text_;
  std::thread reader_;
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
  {
    LinePrinter lines;
    // The pipe takes a little and the queue a few of these: printing never waits.
    for (int i = 0; i < 20; ++i) lines.print(LinePrinter::To::kOutput, std::string(1 << 20, 'x'));
    captured.readAside();
  }
  const std::string text = captured.take();
  EXPECT_TRUE(text.ends_with(" lines of output were dropped\n"));
  EXPECT_LT(text.size(), std::size_t{12} << 20);
}

}  // namespace
}  // namespace nimbus::wash
