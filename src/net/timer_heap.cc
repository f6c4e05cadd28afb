#include "net/timer_heap.h"

namespace nimbus::net {

void TimerHeap::place(std::size_t position, Entry entry) {
  entries_[position] = entry;
  entry.node->position_ = position;
}

void TimerHeap::siftUp(std::size_t position) {
  const Entry entry = entries_[position];
  while (position > 0) {
    const std::size_t parent = (position - 1) / 2;
    if (entries_[parent].key <= entry.key) break;
    place(position, entries_[parent]);
    position = parent;
  }
  place(position, entry);
}

void TimerHeap::siftDown(std::size_t position) {
  const Entry entry = entries_[position];
  for (;;) {
    std::size_t child = 2 * position + 1;
    if (child >= entries_.size()) break;
    if (child + 1 < entries_.size() && entries_[child + 1].key < entries_[child].key) child += 1;
    if (entry.key <= entries_[child].key) break;
    place(position, entries_[child]);
    position = child;
  }
  place(position, entry);
}

void TimerHeap::arm(TimerNode& node, TimePoint when) {
  node.armed_ = true;
  node.due_ = when;
  if (node.position_ == TimerNode::kNotListed) {
    entries_.push_back({when, &node});
    siftUp(entries_.size() - 1);
  } else if (when < entries_[node.position_].key) {
    entries_[node.position_].key = when;
    siftUp(node.position_);
  }
}

void TimerHeap::remove(TimerNode& node) {
  node.armed_ = false;
  if (node.position_ == TimerNode::kNotListed) return;
  const std::size_t hole = node.position_;
  node.position_ = TimerNode::kNotListed;
  const Entry last = entries_.back();
  entries_.pop_back();
  if (hole == entries_.size()) return;
  place(hole, last);
  siftUp(hole);
  siftDown(last.node->position_);
}

void TimerHeap::fireDue(TimePoint now) {
  // Bounded by the number of entries at the start: a node that arms itself for `now` again must not
  // keep the loop here.
  for (std::size_t budget = entries_.size(); budget > 0; --budget) {
    if (entries_.empty() || entries_.front().key > now) return;
    TimerNode& node = *entries_.front().node;
    if (node.armed_ && node.due_ > now) {
      entries_.front().key = node.due_;
      siftDown(0);
      continue;
    }
    const bool fires = node.armed_;
    remove(node);
    if (fires) node.fire();
  }
}

}  // namespace nimbus::net
