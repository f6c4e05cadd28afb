#pragma once

#include <coroutine>
#include <cstdint>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/shard.h"

namespace nimbus::net {

// Tells when a descriptor can be read or written. Internal to src/net; the one place that asks the
// event loop about descriptors.
//
// At most one waiter per direction. The watch may be closed or destroyed at any time, also from
// within a waiter that is being told. A wake-up says that it is worth trying; it may be spurious.
//
// wait() asks the system about the present (one system call). Input that is read until nothing is
// left needs none: the system tells of every change by itself, and the watch remembers it.
class FdWatch {
 public:
  enum class Ownership { kOwned, kBorrowed };  // borrowed: closing the watch leaves the descriptor
  enum class Direction { kRead, kWrite };

  // Told once, from the loop.
  class Waiter {
   public:
    virtual void ready() = 0;

   protected:
    ~Waiter() = default;
  };

  [[nodiscard]] static Result<FdWatch> open(Shard& shard, UniqueFd fd);
  [[nodiscard]] static Result<FdWatch> openBorrowed(Shard& shard, int fd);
  FdWatch(FdWatch&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  FdWatch& operator=(FdWatch&&) = delete;
  // Closes; who still waits is forgotten.
  ~FdWatch();

  [[nodiscard]] int fd() const;  // -1 once closed
  [[nodiscard]] bool closed() const { return fd() < 0; }

  // Who still waits is told in a later turn and finds the watch closed.
  void close();

  void wait(Direction direction, Waiter& waiter);

  // The same for reading without the system call: told of what happens from now on. For who has
  // just seen that there is no input.
  void waitForNews(Waiter& waiter);

  // Whether input may have come since drained() was told; true at first.
  [[nodiscard]] bool mayRead() const;
  // The descriptor was seen without input: from now on only news counts.
  void drained();
  // The peer's end (or an error) was told of, whether or not the bytes before it have been read.
  [[nodiscard]] bool peerFinished() const;

  // The connection is of no use in either direction any more.
  [[nodiscard]] bool hungUp() const;

  // `co_await watch.readable();` continues when mayRead(). Whoever continues must look at closed()
  // first.
  class Awaiter;
  [[nodiscard]] Awaiter readable();
  [[nodiscard]] Awaiter writable();
  // Continues when anything is told of the direction that readable() waits for, whether or not
  // something could be read before.
  [[nodiscard]] Awaiter news();

 private:
  struct State;
  class Ref;
  explicit FdWatch(State* state) : state_(state) {}
  static Result<FdWatch> open(Shard& shard, int fd, Ownership ownership);
  static void retain(State* state);
  static void release(State* state);
  static void forget(State* state, Direction direction, Waiter& waiter);

  State* state_;
};

// A share of the state. One thread: the count needs no atomics.
class FdWatch::Ref {
 public:
  explicit Ref(State* state) : state_(state) { retain(state_); }
  Ref(Ref&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  Ref& operator=(Ref&&) = delete;
  ~Ref() {
    if (state_ != nullptr) release(state_);
  }
  State* operator->() const { return state_; }

 private:
  State* state_;
};

class FdWatch::Awaiter final : private FdWatch::Waiter {
 public:
  enum class Until : std::uint8_t { kMayRead, kNews, kMayWrite };
  Awaiter(FdWatch& watch, Until until)
      : watch_(watch),
        until_(until),
        direction_(until == Until::kMayWrite ? Direction::kWrite : Direction::kRead) {}
  Awaiter(const Awaiter&) = delete;
  Awaiter& operator=(const Awaiter&) = delete;
  ~Awaiter() {
    if (state_ == nullptr) return;
    forget(state_, direction_, *this);
    release(state_);
  }

  [[nodiscard]] bool await_ready() const {
    return watch_.closed() || (until_ == Until::kMayRead && watch_.mayRead());
  }
  void await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    // Held, because the watch may go before this awaiter does.
    state_ = watch_.state_;
    retain(state_);
    if (direction_ == Direction::kRead) {
      watch_.waitForNews(*this);
    } else {
      watch_.wait(direction_, *this);
    }
  }
  void await_resume() const {}

 private:
  void ready() override { waiting_.resume(); }

  FdWatch& watch_;
  Until until_;
  Direction direction_;
  State* state_ = nullptr;
  std::coroutine_handle<> waiting_;
};

inline FdWatch::Awaiter FdWatch::readable() { return {*this, Awaiter::Until::kMayRead}; }
inline FdWatch::Awaiter FdWatch::writable() { return {*this, Awaiter::Until::kMayWrite}; }
inline FdWatch::Awaiter FdWatch::news() { return {*this, Awaiter::Until::kNews}; }

}  // namespace nimbus::net
