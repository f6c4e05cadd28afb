#include "net/event_loop.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "base/check.h"

namespace nimbus::net {
namespace {

// How many sources one wait tells: enough to share the deferred work's system calls between many
// connections, few enough to keep their latency low.
constexpr int kMaxEvents = 64;

// Bounds what epoll_wait is asked for; a timer further off is looked at again then.
constexpr std::int64_t kMaxWaitMs = 3'600'000;

// EPOLLRDHUP tells the peer's end apart from its bytes (SocketStream needs it to trust a short
// read).
constexpr std::uint32_t kReadEvents = EPOLLIN | EPOLLRDHUP | EPOLLET;

}  // namespace

Result<void> EventLoop::open() {
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.valid()) return failErrno("cannot make an event loop", errno);
  wake_.reset(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake_.valid()) return failErrno("cannot make an event loop", errno);
  // Edge-triggered: each write tells once, and nobody needs to read the counter down.
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0) {
    return failErrno("cannot make an event loop", errno);
  }
  return {};
}

Result<void> EventLoop::add(int fd, Source& source) {
  epoll_event event{.events = kReadEvents, .data = {.ptr = &source}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return failErrno("cannot watch a descriptor", errno);
  }
  return {};
}

void EventLoop::rearm(int fd, Source& source, Interest interest) {
  const std::uint32_t write = interest == Interest::kReadAndWrite ? EPOLLOUT : 0;
  epoll_event event{.events = kReadEvents | write, .data = {.ptr = &source}};
  NIMBUS_CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
}

Result<void> EventLoop::addLevel(int fd, Source& source) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = &source}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return failErrno("cannot watch a descriptor", errno);
  }
  return {};
}

void EventLoop::setLevel(int fd, Source& source, Interest interest) {
  const std::uint32_t write = interest == Interest::kReadAndWrite ? EPOLLOUT : 0;
  epoll_event event{.events = EPOLLIN | write, .data = {.ptr = &source}};
  NIMBUS_CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
}

void EventLoop::remove(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void EventLoop::retire(Source* source) {
  if (!telling_) {
    delete source;
  } else {
    retired_.push_back(source);
  }
}

void EventLoop::wake() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);  // full: it has been woken often enough
}

int EventLoop::collect(std::span<epoll_event> events, Duration timeout) const {
  const int room = static_cast<int>(events.size());
  if (timeout > Duration::zero() && timeout < std::chrono::milliseconds(1)) {
    const timespec brief{.tv_sec = 0, .tv_nsec = timeout.count()};
    const int count = ::epoll_pwait2(epoll_.get(), events.data(), room, &brief, nullptr);
    if (count >= 0 || errno != ENOSYS) return count;  // else before Linux 5.11: a little longer
  }
  const auto whole_ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  return ::epoll_wait(epoll_.get(), events.data(), room,
                      static_cast<int>(std::clamp<std::int64_t>(whole_ms, 0, kMaxWaitMs)));
}

int EventLoop::wait(Duration timeout) {
  std::array<epoll_event, kMaxEvents> events;
  const int count = collect(events, timeout);
  telling_ = true;
  for (int index = 0; index < count; ++index) {
    auto* source = static_cast<Source*>(events[index].data.ptr);
    if (source != nullptr) source->happened(events[index].events);
  }
  telling_ = false;
  for (Source* source : retired_) delete source;
  retired_.clear();
  return std::max(count, 0);
}

}  // namespace nimbus::net
