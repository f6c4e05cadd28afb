#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/list_link.h"
#include "base/result.h"
#include "base/task.h"

namespace nimbus::net {

// Work that a shard runs once at the end of the current turn of its loop, such as sending what a
// connection has collected: one system call for many small writes. An object that is already
// listed is not listed again; destroying it takes it off the list.
class Deferred : private ListLink<Deferred> {
 public:
  virtual ~Deferred() = default;
  virtual void runDeferred() = 0;

 private:
  friend class Shard;
  friend ListLink<Deferred>;
};

// One thread with one event loop. Connections, stores and coroutines belong to the shard that made
// them and never leave it; other threads reach it by post() only. A turn of the loop runs a bounded
// batch of ready work, then the deferred work, then waits.
//
// Lives from ShardGroup's start to its stop; everything that uses it is destroyed on its thread
// before that (ShardGroup::runOn helps).
class Shard {
 public:
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // The shard whose thread this is; null elsewhere.
  [[nodiscard]] static Shard* current();

  [[nodiscard]] std::size_t index() const;
  [[nodiscard]] bool onThread() const;

  // Monotonic time, read once per turn: good enough for deadlines, free to call.
  [[nodiscard]] TimePoint now() const;

  // Runs `work` on the shard's thread in a later turn. Any thread; wakes the loop if it waits.
  void post(std::move_only_function<void()> work);

  // Runs item.runDeferred() at the end of this turn. Shard's thread only.
  void defer(Deferred& item);
  // The same once there has been nothing else to do for a moment, or after some milliseconds of
  // busy turns (IdleGate): for work that would keep everything else waiting.
  void deferUntilIdle(Deferred& item);

  // Suspend the calling coroutine; destroying it cancels the timer. Resolution 1 ms.
  [[nodiscard]] Task<void> sleepUntil(TimePoint when);
  [[nodiscard]] Task<void> sleepFor(Duration duration);

  // The loop itself: for src/net only.
  struct Impl;
  [[nodiscard]] Impl& impl() { return *impl_; }

 private:
  friend class ShardGroup;
  friend class Timer;
  explicit Shard(std::size_t index);
  ~Shard();
  std::unique_ptr<Impl> impl_;
};

// Calls back once at a time that may be moved any number of times; moving it later is free (the
// timer notices when it fires), so idle time-outs can be pushed back on every byte. Lives on one
// shard; destroying it disarms it.
class Timer {
 public:
  Timer(Shard& shard, std::move_only_function<void()> fired);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();

  void armAt(TimePoint when);
  void armAfter(Duration duration);
  void disarm();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  Shard& shard_;
};

// All shards of a process.
class ShardGroup {
 public:
  // Starts `count` threads (0: one per core this process may use). `pin` binds each to one core.
  enum class Pinning { kNone, kOneCoreEach };
  [[nodiscard]] static Result<std::unique_ptr<ShardGroup>> start(std::size_t count,
                                                                 Pinning pinning = Pinning::kNone);
  // Stops the loops and joins the threads. Everything on the shards must be gone by then.
  ~ShardGroup();

  [[nodiscard]] std::size_t size() const { return shards_.size(); }
  [[nodiscard]] Shard& operator[](std::size_t index) { return *shards_[index]; }

  // Runs `work` on that shard and waits for it. Not from a shard's thread.
  void runOn(std::size_t index, std::move_only_function<void(Shard&)> work);
  // The same on each shard, one after the other.
  void runOnEach(std::function<void(Shard&)> work);
  // Starts the task on that shard and blocks until it completed. Not from a shard's thread.
  void runTask(std::size_t index, std::move_only_function<Task<void>(Shard&)> make);

 private:
  ShardGroup() = default;
  struct Deleter {
    void operator()(Shard* shard) const;
  };
  std::vector<std::unique_ptr<Shard, Deleter>> shards_;
};

}  // namespace nimbus::net
