#include "net/tree_watch.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/sync.h"
#include "net/test_support.h"

namespace nimbus::net {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Paths = std::vector<std::string>;

// Collects what is told; next() waits for one more call, or gives up.
class Changes {
 public:
  explicit Changes(Shard& shard) : limit_(shard, [this] { arrived_.set(); }) {}
  void operator()(TreeChange change) {
    told_.push_back(std::move(change));
    arrived_.set();
  }
  Task<TreeChange> next() {
    limit_.armAfter(seconds(10));
    if (told_.empty()) {
      arrived_.clear();
      co_await arrived_.wait();
    }
    limit_.disarm();
    if (told_.empty()) {
      ADD_FAILURE() << "no change was told";
      co_return TreeChange{};
    }
    TreeChange change = std::move(told_.front());
    told_.erase(told_.begin());
    co_return change;
  }
  // Makes a change of its own and expects it to be the next that is told.
  Task<void> nothingBut(std::string path, std::string marker) {
    std::ofstream(path) << "text";
    EXPECT_EQ((co_await next()).paths, Paths{marker});
  }

 private:
  std::vector<TreeChange> told_;
  Event arrived_;
  Timer limit_;
};

class TreeWatchTest : public ShardTest {
 protected:
  void SetUp() override {
    ShardTest::SetUp();
    fs::create_directory(root());
  }
  [[nodiscard]] std::string root(std::string_view name = {}) const {
    return base_.path("root") + (name.empty() ? "" : "/" + std::string(name));
  }
  void write(std::string_view name) const { std::ofstream(root(name)) << "text"; }
  void makeFolder(std::string_view name) const { fs::create_directories(root(name)); }
  [[nodiscard]] TreeWatchOptions options() const {
    return {.root = root(), .settle = milliseconds(10), .ignored = {}};
  }

  // What a change is told as by a fresh watch.
  void expectTold(std::function<void()> change, Paths paths) {
    run([&](Shard& shard) -> Task<void> {
      Changes changes(shard);
      auto watch = *watchTree(shard, options(), std::ref(changes));
      change();
      const TreeChange told = co_await changes.next();
      EXPECT_EQ(told.paths, paths);
      EXPECT_FALSE(told.incomplete);
      EXPECT_FALSE(told.problem);
    });
  }

  TemporaryFolder base_;
};

TEST_F(TreeWatchTest, FilesAtEveryDepthAreFollowed) {
  makeFolder("a/b/c");
  expectTold([&] { write("top"); }, {"top"});
  expectTold([&] { write("a/b/c/deep"); }, {"a/b/c/deep"});
  expectTold([&] { fs::remove(root("a/b/c/deep")); }, {"a/b/c/deep"});
}

TEST_F(TreeWatchTest, AnEditorsSaveByRenamingIsOneChange) {
  write("main.rs");
  expectTold(
      [&] {
        write("main.rs~");
        fs::rename(root("main.rs~"), root("main.rs"));
      },
      {"main.rs", "main.rs~"});
}

TEST_F(TreeWatchTest, FilesMadeByLinkingAreTold) {
  write("one");
  expectTold([&] { fs::create_hard_link(root("one"), root("two")); }, {"two"});
  expectTold([&] { fs::create_symlink("one", root("three")); }, {"three"});
}

TEST_F(TreeWatchTest, AFileIsToldWhenItIsClosed) {
  write("slow");
  run([&](Shard& shard) -> Task<void> {
    Changes changes(shard);
    auto watch = *watchTree(shard, options(), std::ref(changes));
    std::ofstream slow(root("slow"));
    slow << "half" << std::flush;
    co_await changes.nothingBut(root("other"), "other");
    slow << "whole";
    slow.close();
    EXPECT_EQ((co_await changes.next()).paths, Paths{"slow"});
  });
}

TEST_F(TreeWatchTest, FoldersThatComeLaterAreFollowed) {
  run([&](Shard& shard) -> Task<void> {
    Changes changes(shard);
    auto watch = *watchTree(shard, options(), std::ref(changes));
    makeFolder("new/inner");
    EXPECT_EQ((co_await changes.next()).paths.front(), "new");
    write("new/inner/file");
    EXPECT_EQ((co_await changes.next()).paths, Paths{"new/inner/file"});
  });
}

TEST_F(TreeWatchTest, ARenamedFolderIsFollowedUnderItsNewName) {
  makeFolder("old/inner");
  run([&](Shard& shard) -> Task<void> {
    Changes changes(shard);
    auto watch = *watchTree(shard, options(), std::ref(changes));
    fs::rename(root("old"), root("new"));
    EXPECT_EQ((co_await changes.next()).paths, (Paths{"new", "old"}));
    write("new/inner/file");
    EXPECT_EQ((co_await changes.next()).paths, Paths{"new/inner/file"});
  });
}

TEST_F(TreeWatchTest, AFolderMovedOutIsFollowedNoMore) {
  makeFolder("gone");
  run([&](Shard& shard) -> Task<void> {
    Changes changes(shard);
    auto watch = *watchTree(shard, options(), std::ref(changes));
    fs::rename(root("gone"), base_.path("outside"));
    EXPECT_EQ((co_await changes.next()).paths, Paths{"gone"});
    std::ofstream(base_.path("outside/file")) << "text";
    co_await changes.nothingBut(root("other"), "other");
  });
}

TEST_F(TreeWatchTest, WhatIsIgnoredIsNotTold) {
  makeFolder("target");
  run([&](Shard& shard) -> Task<void> {
    Changes changes(shard);
    TreeWatchOptions chosen = options();
    chosen.ignored = [](const std::string& path, bool is_folder) {
      return is_folder ? path == "target" : path.ends_with(".wasm");
    };
    auto watch = *watchTree(shard, chosen, std::ref(changes));
    write("target/file");
    write("app.wasm");
    fs::remove_all(root("target"));
    makeFolder("target");
    write("target/file");
    co_await changes.nothingBut(root("other"), "other");
  });
}

TEST_F(TreeWatchTest, SymbolicLinksAreNotFollowedOut) {
  fs::create_directory(base_.path("outside"));
  fs::create_directory_symlink(base_.path("outside"), root("link"));
  run([&](Shard& shard) -> Task<void> {
    Changes changes(shard);
    auto watch = *watchTree(shard, options(), std::ref(changes));
    std::ofstream(base_.path("outside/file")) << "text";
    co_await changes.nothingBut(root("other"), "other");
  });
}

TEST_F(TreeWatchTest, ManyChangesAreOneCallThatSaysItIsIncomplete) {
  run([&](Shard& shard) -> Task<void> {
    Changes changes(shard);
    TreeWatchOptions chosen = options();
    chosen.settle = milliseconds(50);
    chosen.max_paths = 3;
    auto watch = *watchTree(shard, chosen, std::ref(changes));
    for (int number = 0; number < 9; ++number) write(std::to_string(number));
    const TreeChange told = co_await changes.next();
    EXPECT_EQ(told.paths.size(), 3U);
    EXPECT_TRUE(told.incomplete);
    co_await changes.nothingBut(root("other"), "other");
  });
}

TEST_F(TreeWatchTest, ChangesWithoutAnEndAreToldMeanwhile) {
  run([&](Shard& shard) -> Task<void> {
    Changes changes(shard);
    TreeWatchOptions chosen = options();
    chosen.settle = seconds(3600);
    chosen.at_most = milliseconds(20);
    auto watch = *watchTree(shard, chosen, std::ref(changes));
    write("file");
    EXPECT_EQ((co_await changes.next()).paths, Paths{"file"});
  });
}

TEST_F(TreeWatchTest, LostEventsAreToldAndAllIsFollowedAfterwards) {
  std::ifstream limit("/proc/sys/fs/inotify/max_queued_events");
  int most = 0;
  limit >> most;
  if (most <= 0 || most > 200'000) GTEST_SKIP() << "the queue is too long to overflow";
  run([&](Shard& shard) -> Task<void> {
    Changes changes(shard);
    auto watch = *watchTree(shard, options(), std::ref(changes));
    // While this shard is busy nobody reads its events; equal ones in a row would count once.
    for (int number = 0; number <= most; ++number) {
      const std::string name = root(std::to_string(number % 2));
      std::ofstream{name};
      fs::remove(name);
    }
    makeFolder("late");
    EXPECT_TRUE((co_await changes.next()).incomplete);
    write("late/file");
    EXPECT_EQ((co_await changes.next()).paths, Paths{"late/file"});
  });
}

TEST_F(TreeWatchTest, SurvivesThatTheRootIsRemovedAndMadeAgain) {
  run([&](Shard& shard) -> Task<void> {
    Changes changes(shard);
    auto watch = *watchTree(shard, options(), std::ref(changes));
    fs::remove_all(root());
    EXPECT_TRUE((co_await changes.next()).incomplete);
    fs::create_directory(root());
    EXPECT_TRUE((co_await changes.next()).incomplete);
    write("file");
    EXPECT_EQ((co_await changes.next()).paths, Paths{"file"});
  });
}

TEST_F(TreeWatchTest, TooManyFoldersAreAnErrorAtTheStartAndAProblemLater) {
  makeFolder("a");
  run([&](Shard& shard) -> Task<void> {
    Changes changes(shard);
    TreeWatchOptions chosen = options();
    chosen.max_folders = 1;
    const auto refused = watchTree(shard, chosen, std::ref(changes));
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::kResourceExhausted);
    chosen.max_folders = 2;
    auto watch = *watchTree(shard, chosen, std::ref(changes));
    makeFolder("b");
    EXPECT_TRUE((co_await changes.next()).problem);
  });
}

TEST_F(TreeWatchTest, AMissingRootIsAnErrorThatNamesIt) {
  run([&](Shard& shard) -> Task<void> {
    TreeWatchOptions chosen = options();
    chosen.root = base_.path("missing");
    const auto watch = watchTree(shard, chosen, [](const TreeChange&) {});
    EXPECT_FALSE(watch);
    EXPECT_EQ(watch.error().code(), ErrorCode::kNotFound);
    EXPECT_NE(watch.error().message().find("missing"), std::string::npos);
    co_return;
  });
}

TEST_F(TreeWatchTest, MayBeDestroyedByItsOwnCall) {
  run([&](Shard& shard) -> Task<void> {
    OneShot<bool> called;
    std::unique_ptr<TreeWatch> watch;
    watch = *watchTree(shard, options(), [&](const TreeChange&) {
      watch.reset();
      called.set(true);
    });
    write("file");
    EXPECT_TRUE(co_await called.wait());
  });
}

}  // namespace
}  // namespace nimbus::net
