#include "base/sync.h"

namespace nimbus {

Event::~Event() {
  while (first_ != nullptr) first_->unlink();
}

void Event::Awaiter::await_suspend(std::coroutine_handle<> waiting) {
  waiting_ = waiting;
  linkAt(event_->first_);
}

void Event::set() {
  if (set_) return;
  set_ = true;
  // The list moves to the stack first: a resumed waiter may destroy this Event, or wait again.
  Awaiter* pending = nullptr;
  Awaiter::moveReversed(first_, pending);
  while (pending != nullptr) {
    Awaiter* awaiter = pending;
    awaiter->unlink();
    awaiter->waiting_.resume();
  }
}

// The promise of a driver coroutine doubles as its entry in the set's list.
struct TaskSet::Node : ListLink<Node> {
  TaskSet* set = nullptr;
  std::coroutine_handle<> handle;

  void insert(TaskSet& owner) {
    set = &owner;
    linkAt(owner.first_);
    if (owner.size_++ == 0) owner.empty_.clear();
  }
};

// Notices on the stack that the set died while a frame was destroyed: a frame's parameters may own
// the set. Guards of one set nest.
class TaskSet::Guard {
 public:
  explicit Guard(TaskSet& set) : set_(&set), outer_(std::exchange(set.guard_, this)) {}
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard() {
    if (set_ != nullptr) set_->guard_ = outer_;
  }

  [[nodiscard]] bool setLives() const { return set_ != nullptr; }
  static void setDies(Guard* innermost) {
    for (Guard* guard = innermost; guard != nullptr; guard = guard->outer_) guard->set_ = nullptr;
  }

 private:
  TaskSet* set_;
  Guard* outer_;
};

struct TaskSet::Driver {
  struct promise_type : Node {
    Driver get_return_object() {
      handle = std::coroutine_handle<promise_type>::from_promise(*this);
      return {this};
    }
    [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() noexcept {
      struct Finish {
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        // This awaiter dies with the frame: only locals are used after that.
        void await_suspend(std::coroutine_handle<promise_type> finished) const noexcept {
          TaskSet* set = finished.promise().set;
          const bool lives = set->destroy(&finished.promise());
          if (lives && set->size_ == 0) set->empty_.set();
        }
        void await_resume() const noexcept {}
      };
      return Finish{};
    }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };
  promise_type* promise;
};

TaskSet::Driver TaskSet::drive(Task<void> task) { co_await std::move(task); }

// Not cancelAll(): whoever waits for empty() must not be resumed into a half-destroyed owner.
TaskSet::~TaskSet() {
  Guard::setDies(guard_);
  guard_ = nullptr;
  while (first_ != nullptr) destroy(first_);
}

bool TaskSet::destroy(Node* node) {
  const Guard guard(*this);
  node->unlink();
  node->handle.destroy();
  if (!guard.setLives()) return false;
  size_ -= 1;  // only now: empty() promises that the frames are gone
  return true;
}

void TaskSet::spawn(Task<void> task) {
  Driver driver = drive(std::move(task));
  driver.promise->insert(*this);
  driver.promise->handle.resume();
}

Task<void> TaskSet::empty() {
  if (size_ == 0) co_return;
  co_await empty_.wait();
}

void TaskSet::cancelAll() {
  while (first_ != nullptr) {
    if (!destroy(first_)) return;
  }
  // In a nested call the frame that is being destroyed still counts; the outer call goes on.
  if (size_ == 0) empty_.set();
}

}  // namespace nimbus
