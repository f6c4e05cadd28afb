#include "host/store/journal.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include <fmt/format.h>

#include "host/store/journal_record.h"
#include "host/store/store_test_support.h"
#include "host/test_support.h"

namespace nimbus::host {
namespace {

class JournalTest : public ::testing::Test {
 protected:
  std::unique_ptr<Journal> open(JournalOptions options = {}) {
    auto opened = Journal::open(folder_.path(), options, *log_);
    EXPECT_TRUE(opened) << opened.error().describe();
    return *std::move(opened);
  }
  static void put(Journal& journal, const std::string& key, const std::string& value) {
    const auto done = journal.commit({{encodePut(key, value)}});
    EXPECT_TRUE(done) << done.error().describe();
  }
  // What a journal that is opened now says: "a=1 b=2 ".
  std::string content() {
    const auto journal = open();
    std::string all;
    for (const std::string& key : journal->keys())
      all += key + "=" + journal->read(key).value() + " ";
    return all;
  }
  // Leaves so many segments, almost all of which is outdated.
  void fill(std::size_t segments) {
    const auto journal = open({.segment_bytes = 1000, .slack_bytes = 1 << 20});
    while (journal->segmentCount() < segments) put(*journal, "busy", "again");
    put(*journal, "busy", "last");
  }
  std::string segment(int number) const {
    return folder_.path("journal.000000000" + digit(number));
  }
  static std::string digit(int number) { return std::to_string(number); }
  std::string bytes(int number) const { return folder_.read("journal.000000000" + digit(number)); }
  void overwrite(int number, std::string_view content) const {
    folder_.write("journal.000000000" + digit(number), content);
  }

  TemporaryFolder folder_;
  std::unique_ptr<Logger> log_ = makeNullLogger();
};

// Runs `work` while so many descriptors can be opened beyond those that are open.
void withDescriptors(int more, const std::function<void()>& work) {
  struct rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int lowest = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(lowest);
  const rlimit tight{.rlim_cur = static_cast<rlim_t>(lowest + more), .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &tight);
  work();
  ::setrlimit(RLIMIT_NOFILE, &before);
}

// Small enough that tests see several segments and cleaning.
constexpr JournalOptions kSmall{.segment_bytes = 1000, .slack_bytes = 2000};
// Every change deletes an older segment, and none needs a new one.
constexpr JournalOptions kCleansAtOnce{.segment_bytes = 20'000, .slack_bytes = 0};

TEST_F(JournalTest, TheNewestValueOfAKeyCounts) {
  {
    const auto journal = open();
    put(*journal, "a", "1");
    put(*journal, "b", "2");
    put(*journal, "a", "3");
    EXPECT_EQ(journal->read("a").value(), "3");
  }
  EXPECT_EQ(content(), "a=3 b=2 ");
}

TEST_F(JournalTest, ADroppedKeyIsGone) {
  {
    const auto journal = open();
    ASSERT_TRUE(journal->commit({{encodePut("a", "1"), encodePut("b", "2"), encodeDrop("a")}}));
    EXPECT_FALSE(journal->read("a"));
    ASSERT_TRUE(journal->commit({{encodeDrop("never-there")}}));
  }
  EXPECT_EQ(content(), "b=2 ");
}

TEST_F(JournalTest, WhateverACrashCutOffNothingEarlierIsLost) {
  {
    const auto journal = open();
    put(*journal, "a", "1");
    put(*journal, "b", "2");
  }
  const std::string whole = bytes(1);
  const std::size_t first = whole.find('\n') + 1;
  for (std::size_t length = first; length < whole.size(); ++length) {
    overwrite(1, whole.substr(0, length));
    EXPECT_EQ(content(), "a=1 ") << length;
    EXPECT_EQ(bytes(1).size(), first) << "the rest must not stand before the next line";
  }
}

TEST_F(JournalTest, GoesOnAfterACutLine) {
  {
    const auto journal = open();
    put(*journal, "a", "1");
    put(*journal, "b", "2");
  }
  overwrite(1, bytes(1).substr(0, bytes(1).size() - 3));
  put(*open(), "c", "3");
  EXPECT_EQ(content(), "a=1 c=3 ");
}

TEST_F(JournalTest, KeepsADamagedLastLineBesideTheFile) {
  {
    const auto journal = open();
    put(*journal, "a", "1");
    put(*journal, "b", "2");
  }
  const std::string whole = bytes(1);
  const std::size_t first = whole.find('\n') + 1;
  std::string damaged = whole;
  damaged[first + 40] ^= 1;
  overwrite(1, damaged);
  EXPECT_EQ(content(), "a=1 ");
  EXPECT_EQ(bytes(1), whole.substr(0, first));
  EXPECT_EQ(folder_.read("journal.0000000001.tail.corrupt"), damaged.substr(first));
  overwrite(1, whole.substr(0, first) + "{\"for");
  put(*open(), "c", "3");
  EXPECT_EQ(content(), "a=1 c=3 ");
  EXPECT_EQ(folder_.read("journal.0000000001.tail.corrupt"), damaged.substr(first) + "{\"for");
}

TEST_F(JournalTest, KeepsTheWholeFileWhereNoMoreLastLinesAreKept) {
  put(*open(), "a", "1");
  const std::string damaged = bytes(1) + "{\"for";
  overwrite(1, damaged);
  folder_.write("journal.0000000001.tail.corrupt", std::string(1 << 20, 'x'));
  put(*open(), "b", "2");
  EXPECT_EQ(content(), "a=1 b=2 ");
  EXPECT_EQ(bytes(1), damaged);
  EXPECT_EQ(folder_.read("journal.0000000001.corrupt"), damaged);
  EXPECT_EQ(folder_.read("journal.0000000001.tail.corrupt").size(), 1U << 20);
}

TEST_F(JournalTest, KeepsTheWholeFileWhereALastLineCannotBeWritten) {
  put(*open(), "a", "1");
  const std::string damaged = bytes(1) + "{\"for";
  overwrite(1, damaged);
  folder_.write("journal.0000000001.tail.corrupt", "xyz");
  withFilesUpTo(5, [&] { EXPECT_EQ(content(), "a=1 "); });
  EXPECT_EQ(bytes(1), damaged);
  EXPECT_EQ(folder_.read("journal.0000000001.corrupt"), damaged);
  EXPECT_EQ(folder_.read("journal.0000000001.tail.corrupt"), "xyz");
}

TEST_F(JournalTest, KeepsTheNewestEightFilesOfLastLines) {
  put(*open(), "a", "1");
  const std::string intact = bytes(1);
  std::filesystem::rename(segment(1), folder_.path("journal.0000000012"));
  folder_.write("journal.0000000012", intact + "{\"for");
  const auto tail = [](int number) { return fmt::format("journal.{:010}.tail.corrupt", number); };
  for (int number = 2; number < 12; ++number) folder_.write(tail(number), "old");
  folder_.write("journal.0000000001.corrupt", "damaged");
  EXPECT_EQ(content(), "a=1 ");
  for (int number = 2; number <= 12; ++number)
    EXPECT_EQ(std::filesystem::exists(folder_.path(tail(number))), number > 4) << number;
  EXPECT_EQ(folder_.read(tail(12)), "{\"for");
  EXPECT_EQ(folder_.read("journal.0000000001.corrupt"), "damaged");
}

TEST_F(JournalTest, KeepsADamagedFileAndTheRestOfIt) {
  {
    const auto journal = open();
    put(*journal, "a", "1");
    put(*journal, "b", "2");
  }
  std::string damaged = bytes(1);
  damaged[damaged.find('\n') / 2] ^= 1;
  overwrite(1, damaged);
  put(*open(), "c", "3");
  EXPECT_EQ(content(), "b=2 c=3 ");
  EXPECT_EQ(folder_.read("journal.0000000001.corrupt"), damaged);
  EXPECT_EQ(bytes(1), damaged) << "nothing is appended to it";
}

TEST_F(JournalTest, StaysSmallHoweverOftenAKeyChanges) {
  const auto journal = open(kSmall);
  for (int i = 0; i < 2000; ++i) put(*journal, "k" + std::to_string(i % 7), std::to_string(i));
  EXPECT_LT(journal->bytes(), 8'000U);
  EXPECT_LT(journal->segmentCount(), 9U);
  EXPECT_EQ(content(), "k0=1995 k1=1996 k2=1997 k3=1998 k4=1999 k5=1993 k6=1994 ");
}

TEST_F(JournalTest, WhatDoesNotChangeSurvivesTheCleaning) {
  const auto journal = open(kSmall);
  put(*journal, "still", "7");
  put(*journal, "gone", "1");
  ASSERT_TRUE(journal->commit({{encodeDrop("gone")}}));
  for (int i = 0; i < 500; ++i) put(*journal, "busy", std::to_string(i));
  EXPECT_FALSE(std::filesystem::exists(segment(1)));
  EXPECT_EQ(journal->read("still").value(), "7");
  EXPECT_EQ(content(), "busy=499 still=7 ");
}

TEST_F(JournalTest, EveryStateThatACleaningPassesIsWhole) {
  auto journal = open(kSmall);
  for (int i = 0; i < 300; ++i) {
    const std::string key = "k" + std::to_string(i % 3);
    if (i % 5 == 4)
      ASSERT_TRUE(journal->commit({{encodeDrop(key)}}));
    else
      put(*journal, key, std::to_string(i));
    std::string expected;
    for (const std::string& each : journal->keys())
      expected += each + "=" + journal->read(each).value() + " ";
    EXPECT_EQ(content(), expected) << i;
  }
}

TEST_F(JournalTest, AFileThatCannotGrowLosesNothingThatWasAnswered) {
  const auto journal = open();
  put(*journal, "a", "1");
  Result<void> refused;
  withFilesUpTo(bytes(1).size() + 10, [&] { refused = journal->commit({{encodePut("b", "2")}}); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kIo);
  EXPECT_FALSE(journal->read("b"));
  put(*journal, "c", "3");
  EXPECT_EQ(content(), "a=1 c=3 ");
}

TEST_F(JournalTest, ChangesThatFailLeaveNoFilesBehind) {
  const auto journal = open();
  put(*journal, "a", "1");
  withFilesUpTo(bytes(1).size() + 10, [&] {
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(journal->commit({{encodePut("b", "2")}}));
  });
  EXPECT_EQ(journal->segmentCount(), 1U);
  EXPECT_FALSE(std::filesystem::exists(segment(2)));
  put(*journal, "c", "3");
  EXPECT_EQ(content(), "a=1 c=3 ");
}

TEST_F(JournalTest, AShortageOfDescriptorsIsForgottenOnceItIsOver) {
  const auto journal = open();
  // Enough for the segment, and not for the folder that is to be synced.
  withDescriptors(1, [&] { EXPECT_FALSE(journal->commit({{encodePut("a", "1")}})); });
  put(*journal, "b", "2");
  EXPECT_EQ(content(), "b=2 ");
}

TEST_F(JournalTest, AShortageOfDescriptorsWhileCleaningStopsNoChanges) {
  fill(5);
  const auto journal = open(kCleansAtOnce);
  put(*journal, "a", "1");
  ASSERT_FALSE(std::filesystem::exists(segment(1)));
  ASSERT_TRUE(std::filesystem::exists(segment(2)));
  withDescriptors(0, [&] { put(*journal, "a", "2"); });
  EXPECT_FALSE(std::filesystem::exists(segment(2))) << "deleted, but the folder is not synced";
  // Enough for another attempt to delete the next one.
  withDescriptors(0, [&] {
    for (int i = 0; i < 60; ++i) put(*journal, "b", std::to_string(i));
  });
  EXPECT_TRUE(std::filesystem::exists(segment(3)))
      << "a crash might bring the one before it back, and what this one drops";
  for (int i = 0; i < 60; ++i) put(*journal, "b", std::to_string(i));
  EXPECT_EQ(journal->segmentCount(), 1U) << "tried again once it can be done";
  EXPECT_EQ(content(), "a=2 b=59 busy=last ");
}

TEST_F(JournalTest, AProcessThatHasJustStartedSyncsWhatAnEarlierOneDeleted) {
  fill(3);
  const auto journal = open(kCleansAtOnce);
  withDescriptors(0, [&] { put(*journal, "a", "1"); });
  EXPECT_TRUE(std::filesystem::exists(segment(1)));
}

TEST_F(JournalTest, NothingIsAnsweredForThatNobodyWouldFindAgain) {
  const auto journal = open();
  put(*journal, "a", "1");
  const std::string aside = folder_.path("aside");
  std::filesystem::rename(segment(1), aside);
  const auto moved = journal->commit({{encodePut("b", "2")}});
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code(), ErrorCode::kIo);
  folder_.write("journal.0000000001", "another one");
  EXPECT_FALSE(journal->commit({{encodePut("b", "2")}}));
  std::filesystem::rename(aside, segment(1));
  put(*journal, "c", "3");
  EXPECT_EQ(content(), "a=1 c=3 ");
}

TEST_F(JournalTest, OnlyItsOwnerCanReadIt) {
  put(*open(), "a", "1");
  EXPECT_EQ(std::filesystem::status(segment(1)).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(JournalTest, LeavesOtherFilesAlone) {
  folder_.write("journal.1", "not ours");
  folder_.write("journal.0000000002.corrupt", "set aside");
  put(*open(), "a", "1");
  EXPECT_EQ(content(), "a=1 ");
  EXPECT_EQ(folder_.read("journal.1"), "not ours");
}

TEST(JournalRecordTest, EveryFlippedByteIsNoticed) {
  for (const std::string& good : {encodePut("default/a", R"({"x":1})"), encodeDrop("default/a")}) {
    ASSERT_TRUE(decodeJournalLine(good));
    for (std::size_t i = 0; i < good.size(); ++i) {
      std::string bad = good;
      bad[i] ^= 0x20;
      EXPECT_FALSE(decodeJournalLine(bad)) << i;
      EXPECT_FALSE(decodeJournalLine(good.substr(0, i))) << i;
    }
  }
}

TEST(JournalRecordTest, KeysCannotEndEarly) {
  EXPECT_TRUE(isJournalKey("default/hello-1"));
  EXPECT_TRUE(isJournalKey("a%2Eb/c"));
  EXPECT_FALSE(isJournalKey(""));
  EXPECT_FALSE(isJournalKey("a\"b"));
  EXPECT_FALSE(isJournalKey("a\nb"));
}

}  // namespace
}  // namespace nimbus::host
