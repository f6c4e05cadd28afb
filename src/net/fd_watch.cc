#include "net/fd_watch.h"

#include <sys/epoll.h>

#include <array>

#include "base/check.h"
#include "net/shard_impl.h"

namespace nimbus::net {

// Outlives the watch while the loop may still tell it something, or a waiter has yet to leave it.
struct FdWatch::State final : EventLoop::Source {
  explicit State(Shard& owner) : shard(owner) {}

  void happened(std::uint32_t events) override {
    if (fd < 0) return;    // closed by one that was told just before
    const Ref held(this);  // a waiter may destroy the watch
    peer_finished |= (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    hung_up |= (events & (EPOLLHUP | EPOLLERR)) != 0;
    if ((events & ~std::uint32_t{EPOLLOUT}) != 0) {
      may_read = true;
      tell(Direction::kRead);
    }
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) tell(Direction::kWrite);
  }

  Waiter*& waiter(Direction direction) { return waiters[direction == Direction::kRead ? 0 : 1]; }
  void tell(Direction direction) {
    if (Waiter* told = std::exchange(waiter(direction), nullptr)) told->ready();
  }

  EventLoop& loop() { return shard.impl().loop; }
  void close() {
    if (fd < 0) return;
    // Explicitly: closing would not do it while a copy of the descriptor is open elsewhere.
    loop().remove(fd);
    if (ownership == Ownership::kOwned) ::close(fd);
    fd = -1;
  }

  Shard& shard;
  int fd = -1;
  Ownership ownership = Ownership::kOwned;
  bool may_read = true;
  bool peer_finished = false;
  bool hung_up = false;
  bool wants_write = false;
  unsigned references = 1;
  std::array<Waiter*, 2> waiters{};
};

void FdWatch::retain(State* state) { state->references += 1; }
void FdWatch::release(State* state) {
  if (--state->references == 0) state->loop().retire(state);
}

Result<FdWatch> FdWatch::open(Shard& shard, int fd, Ownership ownership) {
  auto state = std::make_unique<State>(shard);
  TRY_VOID(shard.impl().loop.add(fd, *state));
  state->fd = fd;
  state->ownership = ownership;
  return FdWatch(state.release());
}

Result<FdWatch> FdWatch::open(Shard& shard, UniqueFd fd) {
  auto watch = open(shard, fd.get(), Ownership::kOwned);
  if (watch) (void)fd.release();
  return watch;
}

Result<FdWatch> FdWatch::openBorrowed(Shard& shard, int fd) {
  return open(shard, fd, Ownership::kBorrowed);
}

FdWatch::~FdWatch() {
  if (state_ == nullptr) return;
  state_->waiters = {};
  state_->close();
  release(state_);
}

int FdWatch::fd() const { return state_->fd; }
bool FdWatch::mayRead() const { return state_->may_read; }
bool FdWatch::peerFinished() const { return state_->peer_finished; }
bool FdWatch::hungUp() const { return state_->hung_up; }
void FdWatch::drained() { state_->may_read = false; }

void FdWatch::close() {
  if (closed()) return;
  state_->close();
  state_->shard.post([state = Ref(state_)] {
    state->tell(Direction::kRead);
    state->tell(Direction::kWrite);
  });
}

void FdWatch::waitForNews(Waiter& waiter) {
  NIMBUS_CHECK(!closed());
  NIMBUS_CHECK(state_->waiter(Direction::kRead) == nullptr);
  state_->waiter(Direction::kRead) = &waiter;
}

void FdWatch::wait(Direction direction, Waiter& waiter) {
  NIMBUS_CHECK(!closed());
  NIMBUS_CHECK(state_->waiter(direction) == nullptr);
  state_->waiter(direction) = &waiter;
  state_->wants_write |= direction == Direction::kWrite;
  state_->loop().rearm(
      state_->fd, *state_,
      state_->wants_write ? EventLoop::Interest::kReadAndWrite : EventLoop::Interest::kRead);
}

void FdWatch::forget(State* state, Direction direction, Waiter& waiter) {
  if (state->waiter(direction) == &waiter) state->waiter(direction) = nullptr;
}

}  // namespace nimbus::net
