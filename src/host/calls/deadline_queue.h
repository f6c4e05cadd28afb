#pragma once

#include "base/clock.h"
#include "net/shard.h"

namespace nimbus::host {

// Deadlines that all lie the same time ahead when they are added, so that one timer and a list in
// order of arrival serve any number of them. Lives on one shard.
class DeadlineQueue {
 public:
  // Put into the queue by its constructor, taken out by its destructor.
  class Entry {
   public:
    explicit Entry(DeadlineQueue& queue);
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    virtual ~Entry();

    // The time is up; the entry is out of the queue already and may be destroyed.
    virtual void onDeadline() = 0;

   private:
    friend DeadlineQueue;
    void unlink();

    DeadlineQueue* queue_;
    TimePoint when_;
    Entry* next_ = nullptr;
    Entry* previous_ = nullptr;
  };

  // `timeout` zero: no deadline ever.
  DeadlineQueue(net::Shard& shard, Duration timeout);
  DeadlineQueue(const DeadlineQueue&) = delete;
  DeadlineQueue& operator=(const DeadlineQueue&) = delete;
  ~DeadlineQueue();

  // Now is the deadline of all.
  void expireAll();

 private:
  void fire();
  void fireUntil(TimePoint now);

  net::Shard& shard_;
  Duration timeout_;
  net::Timer timer_;
  Entry* first_ = nullptr;
  Entry* last_ = nullptr;
  bool* destroyed_ = nullptr;  // set while entries are called that may destroy this
};

}  // namespace nimbus::host
