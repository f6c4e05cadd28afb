#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>
#include <utility>

#include "base/list_link.h"
#include "base/task.h"

namespace nimbus {

// A level that coroutines of one shard wait for. set() resumes all who wait at that moment, in the
// order of their waits, before it returns; so call it last: a waiter may destroy the object that
// owns the Event. A waiter that is destroyed leaves the list by itself. Those who still wait when
// the Event is destroyed are never resumed; their owners destroy them.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event();

  [[nodiscard]] bool isSet() const { return set_; }
  void set();
  void clear() { set_ = false; }

  class Awaiter;
  // `co_await event.wait();` returns at once while the level is set.
  [[nodiscard]] Awaiter wait();

 private:
  bool set_ = false;
  Awaiter* first_ = nullptr;
};

class Event::Awaiter : private ListLink<Event::Awaiter> {
 public:
  explicit Awaiter(Event& event) : event_(&event) {}

  [[nodiscard]] bool await_ready() const { return event_->set_; }
  void await_suspend(std::coroutine_handle<> waiting);
  void await_resume() const {}

 private:
  friend Event;
  friend ListLink<Awaiter>;

  Event* event_;
  std::coroutine_handle<> waiting_;
};

inline Event::Awaiter Event::wait() { return Awaiter(*this); }

// One value handed from a producer to one waiting coroutine of the same shard.
template <typename T>
class OneShot {
 public:
  [[nodiscard]] bool ready() const { return value_.has_value(); }

  // The first value wins; resumes the waiter before it returns.
  void set(T value) {
    if (value_) return;
    value_.emplace(std::move(value));
    event_.set();
  }

  Task<T> wait() {
    co_await event_.wait();
    co_return std::move(*value_);
  }

 private:
  std::optional<T> value_;
  Event event_;
};

// Owns running tasks of one shard: each is started by spawn() and removed when it completes.
// Destroying the set destroys (cancels) what still runs. A task's parameters may own the object
// that owns its set: they go after its body has ended, so the last task may end its owner. Its
// locals must not: see cancelAll().
class TaskSet {
 public:
  TaskSet() = default;
  TaskSet(const TaskSet&) = delete;
  TaskSet& operator=(const TaskSet&) = delete;
  ~TaskSet();

  // Runs the task inline until its first suspension; it may have completed when this returns.
  void spawn(Task<void> task);
  [[nodiscard]] std::size_t size() const { return size_; }

  // Returns once no task runs and all frames are gone. The gate to drain before destruction.
  Task<void> empty();

  // Cancels all tasks now, also those that are spawned meanwhile; then empty() returns. Must not be
  // called, nor the set be destroyed, from within a running task of this set: that would pull the
  // frame from under its feet. Such a task sets an Event that its owner waits for.
  void cancelAll();

 private:
  struct Node;
  struct Driver;
  class Guard;
  static Driver drive(Task<void> task);
  // False if the set died meanwhile.
  bool destroy(Node* node);

  Node* first_ = nullptr;
  std::size_t size_ = 0;
  Guard* guard_ = nullptr;
  Event empty_;
};

}  // namespace nimbus
