#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace nimbus::net {

// Waits for descriptors by epoll, edge-triggered: a descriptor is registered once and tells of
// every change, so that a connection which is read empty each time costs no system call to wait
// for. Internal to src/net. One thread, except for wake().
class EventLoop {
 public:
  // A registered descriptor's owner.
  class Source {
   public:
    virtual ~Source() = default;
    virtual void happened(std::uint32_t events) = 0;  // EPOLLIN, EPOLLOUT, EPOLLRDHUP, …
  };
  enum class Interest { kRead, kReadAndWrite };

  [[nodiscard]] Result<void> open();

  [[nodiscard]] Result<void> add(int fd, Source& source);
  // What is there already is told again.
  void rearm(int fd, Source& source, Interest interest);
  // Level-triggered instead: tells in each wait() what is there, until somebody takes it. For
  // descriptors that a library reads, which does not say whether it has read all.
  [[nodiscard]] Result<void> addLevel(int fd, Source& source);
  void setLevel(int fd, Source& source, Interest interest);
  void remove(int fd);
  // Destroys the source, but not while events that may be its are still being told.
  void retire(Source* source);

  // Ends a wait(), or the next one. Any thread.
  void wake();

  // Tells sources what happened, at most a bounded number of them. Waits up to so long for
  // something to happen. Returns how many it has told.
  int wait(Duration timeout);

 private:
  [[nodiscard]] int collect(std::span<epoll_event> events, Duration timeout) const;

  UniqueFd epoll_;
  UniqueFd wake_;
  bool telling_ = false;
  std::vector<Source*> retired_;
};

}  // namespace nimbus::net
