#include "net/fd_watch.h"

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "base/check.h"
#include "net/shard_impl.h"

namespace nimbus::net {

namespace asio = boost::asio;

// Outlives the watch until Asio has completed every wait on it: a handler never touches freed
// memory, whatever was destroyed meanwhile. A wait whose waiter was forgotten stays with Asio and
// serves the next waiter, which saves cancelling it.
struct FdWatch::State {
  struct Side {
    Waiter* waiter = nullptr;
    bool pending = false;  // Asio has a wait for this direction
  };

  explicit State(asio::io_context& io) : descriptor(io) {}

  Side& side(Direction direction) { return sides[direction == Direction::kRead ? 0 : 1]; }
  void close() {
    if (fd < 0) return;
    boost::system::error_code ignored;
    if (ownership == Ownership::kOwned) {
      descriptor.close(ignored);
    } else {
      descriptor.release();
    }
    fd = -1;
  }

  asio::posix::stream_descriptor descriptor;
  int fd = -1;
  Ownership ownership = Ownership::kOwned;
  unsigned references = 1;
  std::array<Side, 2> sides;
};

// A handler's share of the state. One thread: the count needs no atomics.
class FdWatch::Ref {
 public:
  explicit Ref(State* state) : state_(state) { retain(state_); }
  Ref(Ref&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  Ref(const Ref& other) = delete;
  Ref& operator=(Ref&&) = delete;
  ~Ref() { release(state_); }
  State* operator->() const { return state_; }

 private:
  State* state_;
};

void FdWatch::retain(State* state) { state->references += 1; }
void FdWatch::release(State* state) {
  if (state != nullptr && --state->references == 0) delete state;
}

Result<FdWatch> FdWatch::open(Shard& shard, int fd, Ownership ownership) {
  auto state = std::make_unique<State>(shard.impl().io);
  boost::system::error_code error;
  state->descriptor.assign(fd, error);
  if (error) return failErrno("cannot watch a descriptor", error.value());
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
  for (State::Side& side : state_->sides) side.waiter = nullptr;
  state_->close();
  release(state_);
}

int FdWatch::fd() const { return state_->fd; }
void FdWatch::close() { state_->close(); }

void FdWatch::wait(Direction direction, Waiter& waiter) {
  NIMBUS_CHECK(!closed());
  State::Side& side = state_->side(direction);
  NIMBUS_CHECK(side.waiter == nullptr);
  side.waiter = &waiter;
  if (side.pending) return;
  side.pending = true;
  const auto event = direction == Direction::kRead ? asio::posix::stream_descriptor::wait_read
                                                   : asio::posix::stream_descriptor::wait_write;
  state_->descriptor.async_wait(event,
                                [state = Ref(state_), direction](const boost::system::error_code&) {
                                  State::Side& told = state->side(direction);
                                  told.pending = false;
                                  if (Waiter* waiting = std::exchange(told.waiter, nullptr))
                                    waiting->ready();
                                });
}

void FdWatch::forget(Direction direction, Waiter& waiter) { forget(state_, direction, waiter); }

void FdWatch::forget(State* state, Direction direction, Waiter& waiter) {
  State::Side& side = state->side(direction);
  if (side.waiter == &waiter) side.waiter = nullptr;
}

}  // namespace nimbus::net
