#pragma once

#include <cstddef>
#include <vector>

#include "base/clock.h"

namespace nimbus::net {

// One waiting time of one shard. Internal to src/net; Timer and sleepUntil() stand on it.
class TimerNode {
 public:
  TimerNode() = default;
  TimerNode(const TimerNode&) = delete;
  TimerNode& operator=(const TimerNode&) = delete;

  // The time has come; the node is no longer armed. It may arm itself again or be destroyed.
  virtual void fire() = 0;

 protected:
  ~TimerNode() = default;  // the owner removes the node from its heap first

 private:
  friend class TimerHeap;
  static constexpr std::size_t kNotListed = ~std::size_t{0};
  bool armed_ = false;
  TimePoint due_{};
  std::size_t position_ = kNotListed;
};

// The timers of a shard, earliest first. An entry's key may be earlier than its node is due: a node
// that is moved later, or disarmed, keeps its place until the old time comes and is sorted in anew
// only then. That makes pushing back a time-out free.
class TimerHeap {
 public:
  void arm(TimerNode& node, TimePoint when);
  void disarm(TimerNode& node) { node.armed_ = false; }
  void remove(TimerNode& node);

  [[nodiscard]] bool empty() const { return entries_.empty(); }
  // When fireDue() has something to do next. Not empty only.
  [[nodiscard]] TimePoint next() const { return entries_.front().key; }
  // Fires every node that is due; one that arms itself again within is left for the next call.
  void fireDue(TimePoint now);

 private:
  struct Entry {
    TimePoint key;
    TimerNode* node;
  };
  void place(std::size_t position, Entry entry);
  void siftUp(std::size_t position);
  void siftDown(std::size_t position);

  std::vector<Entry> entries_;
};

}  // namespace nimbus::net
