#include "net/foreign_watch.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "base/sync.h"
#include "net/test_support.h"

namespace nimbus::net {
namespace {

using ForeignWatchTest = ShardTest;

// Takes one byte per call, as a library that reads little at a time.
class ByteReader final : public ForeignWatch::Owner {
 public:
  explicit ByteReader(int fd) : fd_(fd) {}
  void readable() override {
    char byte = 0;
    if (::read(fd_, &byte, 1) == 1) {
      text += byte;
    } else {
      ended = true;
    }
    if (ended || text.size() == wanted) done.set();
  }
  void writable() override { writable_calls += 1, done.set(); }

  std::string text;
  std::size_t wanted = 0;
  bool ended = false;
  int writable_calls = 0;
  Event done;

 private:
  int fd_;
};

struct Pair {
  Pair() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    ours.reset(ends[0]);
    theirs.reset(ends[1]);
  }
  UniqueFd ours;
  UniqueFd theirs;
};

TEST_F(ForeignWatchTest, TellsAgainUntilAllIsTaken) {
  run([](Shard& shard) -> Task<void> {
    Pair pair;
    ByteReader reader(pair.ours.get());
    reader.wanted = 5;
    auto watch = ForeignWatch::open(shard, UniqueFd(::dup(pair.ours.get())), reader);
    EXPECT_TRUE(watch);
    EXPECT_EQ(::write(pair.theirs.get(), "hello", 5), 5);
    co_await reader.done.wait();
    EXPECT_EQ(reader.text, "hello");
  });
}

TEST_F(ForeignWatchTest, TellsOfTheEnd) {
  run([](Shard& shard) -> Task<void> {
    Pair pair;
    ByteReader reader(pair.ours.get());
    reader.wanted = 1;
    auto watch = ForeignWatch::open(shard, UniqueFd(::dup(pair.ours.get())), reader);
    EXPECT_TRUE(watch);
    pair.theirs.reset();
    co_await reader.done.wait();
    EXPECT_TRUE(reader.ended);
  });
}

TEST_F(ForeignWatchTest, TellsOfRoomOnlyWhenAsked) {
  run([](Shard& shard) -> Task<void> {
    Pair pair;
    ByteReader reader(pair.ours.get());
    auto watch = ForeignWatch::open(shard, UniqueFd(::dup(pair.ours.get())), reader);
    EXPECT_TRUE(watch);
    EXPECT_EQ(reader.writable_calls, 0);
    (*watch)->setWriting(ForeignWatch::Writing::kWanted);
    co_await reader.done.wait();
    (*watch)->setWriting(ForeignWatch::Writing::kNotWanted);
    EXPECT_EQ(reader.writable_calls, 1);
  });
}

// An owner that ends its watch while it is told.
class Quitter final : public ForeignWatch::Owner {
 public:
  void readable() override {
    watch.reset();
    done.set();
  }
  void writable() override { ADD_FAILURE() << "told after its end"; }
  std::unique_ptr<ForeignWatch> watch;
  Event done;
};

TEST_F(ForeignWatchTest, MayBeDestroyedWhileItTells) {
  run([](Shard& shard) -> Task<void> {
    Pair pair;
    Quitter quitter;
    auto watch = ForeignWatch::open(shard, std::move(pair.ours), quitter);
    EXPECT_TRUE(watch);
    quitter.watch = std::move(*watch);
    quitter.watch->setWriting(ForeignWatch::Writing::kWanted);
    EXPECT_EQ(::write(pair.theirs.get(), "x", 1), 1);
    co_await quitter.done.wait();
    EXPECT_EQ(quitter.watch, nullptr);
  });
}

}  // namespace
}  // namespace nimbus::net
