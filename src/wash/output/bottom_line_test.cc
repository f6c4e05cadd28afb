#include "wash/output/bottom_line.h"

#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <array>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "base/output_queue.h"
#include "base/unique_fd.h"

namespace nimbus::wash {
namespace {

class BottomLineTest : public testing::Test {
 protected:
  // What was written since the last time, with `<` where a line was erased.
  std::string taken() {
    std::string text = std::exchange(text_, {});
    for (std::size_t at = 0; (at = text.find(kEraseLine)) != std::string::npos;)
      text.replace(at, kEraseLine.size(), "<");
    return text;
  }

  std::string text_;
  std::optional<BottomLine> line_{std::in_place, [this](std::string_view text) { text_ += text; }};
};

TEST_F(BottomLineTest, TextIsPrintedAsItIsWhereNoLineStands) {
  line_->print("one\ntw");
  line_->print("o\n");
  line_->erase();
  EXPECT_EQ(taken(), "one\ntwo\n");
}

TEST_F(BottomLineTest, EachLineTakesThePlaceOfTheOneBefore) {
  line_->show("1 s");
  line_->show("2 s");
  line_->erase();
  line_->erase();
  EXPECT_EQ(taken(), "<1 s<2 s<");
}

TEST_F(BottomLineTest, WhatIsPrintedStandsAboveIt) {
  line_->show("1 s");
  line_->print("a warning\n");
  line_->show("2 s");
  EXPECT_EQ(taken(), "<1 s<a warning\n<2 s");
}

TEST_F(BottomLineTest, NothingIsShownWithinALine) {
  line_->print("50 %");
  line_->show("1 s");
  EXPECT_EQ(taken(), "50 %");
  line_->print(" done\n");
  line_->show("2 s");
  EXPECT_EQ(taken(), " done\n<2 s");
}

TEST_F(BottomLineTest, NothingStandsOnAScreenThatIsTaken) {
  line_->show("1 s");
  {
    const ScreenTaken taken_by_a_question;
    line_->show("2 s");
    line_->print("text\n");
    EXPECT_EQ(taken(), "<1 s<text\n");
  }
  line_->show("3 s");
  EXPECT_EQ(taken(), "<3 s");
}

TEST_F(BottomLineTest, GoesWithItsLine) {
  line_->show("1 s");
  line_.reset();
  EXPECT_EQ(taken(), "<1 s<");
  const ScreenTaken nothing_to_erase;
}

TEST_F(BottomLineTest, NothingThatWaitsComesAfterTheScreenIsTaken) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  std::promise<void> erased;
  std::string read;
  std::jthread reader;
  {
    OutputQueue queue(in.get(), {.most_bytes = 1 << 20, .about_lost = {}});
    BottomLine line([&](std::string_view text) {
      queue.write(text);
      if (text == kEraseLine) erased.set_value();
    });
    line.print(std::string(std::size_t{512} << 10, 'x') + "\n");  // more than a pipe takes
    line.show("1 s");
    // Nobody reads before the line is erased.
    reader = std::jthread([&] {
      erased.get_future().wait();
      std::array<char, 65536> some{};
      for (ssize_t got = 0; (got = ::read(out.get(), some.data(), some.size())) > 0;)
        read.append(some.data(), static_cast<std::size_t>(got));
    });
    const ScreenTaken taken_by_a_question;
    EXPECT_TRUE(queue.flush(Duration::zero()));
  }
  in.reset();
  reader.join();
  EXPECT_TRUE(read.ends_with(std::string("1 s").append(kEraseLine)));
}

}  // namespace
}  // namespace nimbus::wash
