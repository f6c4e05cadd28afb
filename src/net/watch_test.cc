#include "net/watch.h"

#include <signal.h>
#include <sys/inotify.h>

#include <filesystem>
#include <fstream>

#include "base/sync.h"
#include "net/test_support.h"

namespace nimbus::net {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kDebounce = milliseconds(10);

// Counts call-backs; next() waits for one more, or gives up.
class Calls {
 public:
  explicit Calls(Shard& shard) : limit_(shard, [this] { changed_.set(); }) {}
  void operator()() {
    count_ += 1;
    changed_.set();
  }
  Task<bool> next() {
    const int before = seen_;
    limit_.armAfter(seconds(10));
    if (count_ == before) {
      changed_.clear();
      co_await changed_.wait();
    }
    limit_.disarm();
    seen_ = count_;
    co_return count_ > before;
  }
  [[nodiscard]] int count() const { return count_; }

 private:
  int count_ = 0;
  int seen_ = 0;
  Event changed_;
  Timer limit_;
};

class FolderWatchTest : public ShardTest {
 protected:
  void SetUp() override {
    ShardTest::SetUp();
    fs::create_directory(watched());
  }
  [[nodiscard]] std::string watched(std::string_view name = {}) const {
    return base_.path("watched") + (name.empty() ? "" : "/" + std::string(name));
  }
  void write(std::string_view name) const { std::ofstream(watched(name)) << "text"; }

  // Runs `change` against a fresh watch and expects a call-back.
  void expectNoticed(std::function<void()> change) {
    run([&](Shard& shard) -> Task<void> {
      Calls calls(shard);
      auto watch = *watchFolder(shard, watched(), kDebounce, std::ref(calls));
      change();
      EXPECT_TRUE(co_await calls.next());
    });
  }

  TemporaryFolder base_;
};

TEST_F(FolderWatchTest, AWrittenFileIsNoticed) {
  expectNoticed([&] { write("new.yaml"); });
  expectNoticed([&] { std::ofstream(watched("new.yaml"), std::ios::app) << "more"; });
}

TEST_F(FolderWatchTest, AFileMovedInOrOutIsNoticed) {
  base_.write("outside", "text");
  expectNoticed([&] { fs::rename(base_.path("outside"), watched("inside")); });
  expectNoticed([&] { fs::rename(watched("inside"), base_.path("outside")); });
}

TEST_F(FolderWatchTest, ADeletedFileIsNoticed) {
  write("old.yaml");
  expectNoticed([&] { fs::remove(watched("old.yaml")); });
}

TEST_F(FolderWatchTest, ANewOrSwappedSymbolicLinkIsNoticed) {
  fs::create_directory(watched("..1"));
  fs::create_directory(watched("..2"));
  expectNoticed([&] { fs::create_directory_symlink("..1", watched("..data")); });
  expectNoticed([&] {
    fs::create_directory_symlink("..2", watched("..data_tmp"));
    fs::rename(watched("..data_tmp"), watched("..data"));
  });
}

TEST_F(FolderWatchTest, ManyChangesAtOnceAreOneCall) {
  run([&](Shard& shard) -> Task<void> {
    Calls calls(shard);
    auto watch = *watchFolder(shard, watched(), milliseconds(50), std::ref(calls));
    for (int number = 0; number < 500; ++number) write(std::to_string(number));
    EXPECT_TRUE(co_await calls.next());
    co_await shard.sleepFor(milliseconds(100));
    EXPECT_EQ(calls.count(), 1);
  });
}

TEST_F(FolderWatchTest, ChangesThatNeverEndAreToldAllTheSame) {
  run([&](Shard& shard) -> Task<void> {
    Calls calls(shard);
    auto watch = *watchFolder(shard, watched(), milliseconds(20), std::ref(calls));
    const TimePoint begun = shard.now();
    while (calls.count() < 2 && shard.now() < begun + seconds(10)) {
      write("busy");
      co_await shard.sleepFor(milliseconds(2));
    }
    EXPECT_EQ(calls.count(), 2);
  });
}

TEST_F(FolderWatchTest, ReadingIsNoChange) {
  write("file");
  run([&](Shard& shard) -> Task<void> {
    Calls calls(shard);
    auto watch = *watchFolder(shard, watched(), kDebounce, std::ref(calls));
    std::string text;
    std::ifstream(watched("file")) >> text;
    EXPECT_EQ(text, "text");
    co_await shard.sleepFor(milliseconds(40));
    EXPECT_EQ(calls.count(), 0);
  });
}

TEST_F(FolderWatchTest, SurvivesThatTheFolderIsRemovedAndMadeAgain) {
  run([&](Shard& shard) -> Task<void> {
    Calls calls(shard);
    auto watch = *watchFolder(shard, watched(), kDebounce, std::ref(calls));
    fs::remove_all(watched());
    EXPECT_TRUE(co_await calls.next());
    fs::create_directory(watched());
    EXPECT_TRUE(co_await calls.next());
    write("new.yaml");
    EXPECT_TRUE(co_await calls.next());
  });
}

// The descriptor of this process's only inotify instance.
int inotifyDescriptor() {
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;  // the listing's own
    if (fs::read_symlink(entry.path(), gone) == "anon_inode:inotify")
      return std::stoi(entry.path().filename());
  }
  return -1;
}

// A folder that is made again may get the number that it had: its watch has gone all the same.
TEST_F(FolderWatchTest, FollowsAnewWhenTheNewsThatItsWatchHasGoneIsLost) {
  int most = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> most;
  if (most <= 0 || most > 200'000) GTEST_SKIP() << "the queue is too long to overflow";
  run([&](Shard& shard) -> Task<void> {
    Calls calls(shard);
    auto watch = *watchFolder(shard, watched(), kDebounce, std::ref(calls));
    // While this shard is busy nobody reads its events: each file is at least two.
    for (int number = 0; number <= most / 2; ++number) {
      const std::string name = watched(std::to_string(number % 2));
      std::ofstream{name};
      fs::remove(name);
    }
    EXPECT_EQ(::inotify_rm_watch(inotifyDescriptor(), 1), 0);  // its first watch
    EXPECT_TRUE(co_await calls.next());
    write("new.yaml");
    EXPECT_TRUE(co_await calls.next());
  });
}

TEST_F(FolderWatchTest, FollowsANameThatIsTurnedToAnotherFolder) {
  fs::create_directory(base_.path("one"));
  fs::create_directory(base_.path("two"));
  fs::remove(watched());
  fs::create_directory_symlink("one", watched());
  run([&](Shard& shard) -> Task<void> {
    Calls calls(shard);
    auto watch = *watchFolder(shard, watched(), kDebounce, std::ref(calls));
    fs::create_directory_symlink("two", base_.path("next"));
    fs::rename(base_.path("next"), watched());
    EXPECT_TRUE(co_await calls.next());
    base_.write("two/new.yaml", "text");
    EXPECT_TRUE(co_await calls.next());
  });
}

TEST_F(FolderWatchTest, AMissingFolderIsAnErrorThatNamesIt) {
  run([&](Shard& shard) -> Task<void> {
    const auto watch = watchFolder(shard, base_.path("missing"), kDebounce, [] {});
    EXPECT_FALSE(watch);
    EXPECT_NE(watch.error().message().find("missing"), std::string::npos);
    co_return;
  });
}

TEST_F(FolderWatchTest, TellsWhyAFolderCannotBeWatchedAndWhenItIsAgain) {
  run([&](Shard& shard) -> Task<void> {
    Calls calls(shard);
    auto watch = *watchFolder(shard, watched(), kDebounce, std::ref(calls));
    EXPECT_EQ(watch->problem(), "");
    fs::remove(watched());
    fs::create_symlink(watched(), watched());  // leads to itself, which is not to be missing
    while (watch->problem().empty() && co_await calls.next()) {
    }
    EXPECT_TRUE(watch->problem().starts_with("cannot watch the folder " + watched() + ": "))
        << watch->problem();
    fs::remove(watched());
    fs::create_directory(watched());
    while (!watch->problem().empty() && co_await calls.next()) {
    }
    EXPECT_EQ(watch->problem(), "");
    write("new.yaml");
    EXPECT_TRUE(co_await calls.next());
  });
}

TEST_F(FolderWatchTest, MayBeDestroyedByItsOwnCall) {
  run([&](Shard& shard) -> Task<void> {
    OneShot<bool> called;
    std::unique_ptr<FolderWatch> watch;
    watch = *watchFolder(shard, watched(), kDebounce, [&] {
      watch.reset();
      called.set(true);
    });
    write("new.yaml");
    EXPECT_TRUE(co_await called.wait());
  });
}

// The signal must be blocked before the shard's thread starts.
class HangUpWatchTest : public ShardTest {
 protected:
  void SetUp() override {
    pthread_sigmask(SIG_BLOCK, nullptr, &before_);
    blockHangUps();
    ShardTest::SetUp();
  }
  void TearDown() override {
    group_.reset();
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  sigset_t before_;
};

TEST_F(HangUpWatchTest, EachIsToldOnTheShard) {
  run([](Shard& shard) -> Task<void> {
    OneShot<bool> twice;
    int count = 0;
    auto watch = *watchHangUps(shard, [&] {
      EXPECT_TRUE(shard.onThread());
      if (++count == 2) return twice.set(true);
      EXPECT_EQ(::kill(::getpid(), SIGHUP), 0);
    });
    EXPECT_EQ(::kill(::getpid(), SIGHUP), 0);
    EXPECT_TRUE(co_await twice.wait());
  });
}

TEST_F(HangUpWatchTest, AnotherWatchIsToldOfThoseThatComeLater) {
  run([](Shard& shard) -> Task<void> {
    for (int i = 0; i < 2; ++i) {
      OneShot<bool> told;
      auto watch = *watchHangUps(shard, [&] { told.set(true); });
      EXPECT_EQ(::kill(::getpid(), SIGHUP), 0);
      EXPECT_TRUE(co_await told.wait());
    }
  });
}

TEST(TerminationSignalsBlockedTest, ThreadsThatStartMeanwhileKeepThemBlocked) {
  const auto blocked = [] {
    sigset_t set;
    pthread_sigmask(SIG_BLOCK, nullptr, &set);
    return sigismember(&set, SIGINT) == 1 && sigismember(&set, SIGTERM) == 1;
  };
  const bool before = blocked();
  bool in_thread = false;
  {
    const TerminationSignalsBlocked guard;
    std::thread([&] { in_thread = blocked(); }).join();
  }
  EXPECT_TRUE(in_thread);
  EXPECT_EQ(blocked(), before);
}

}  // namespace
}  // namespace nimbus::net
