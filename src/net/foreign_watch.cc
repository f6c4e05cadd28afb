#include "net/foreign_watch.h"

#include <sys/epoll.h>

#include "net/shard_impl.h"

namespace nimbus::net {

// Outlives the watch while the loop may still tell it something.
struct ForeignWatch::Source final : EventLoop::Source {
  Source(Shard& on, UniqueFd watched, Owner& told)
      : shard(on), fd(std::move(watched)), owner(&told) {}

  void happened(std::uint32_t events) override {
    if (owner != nullptr && (events & ~std::uint32_t{EPOLLOUT}) != 0) owner->readable();
    if (owner != nullptr && (events & EPOLLOUT) != 0) owner->writable();
  }

  Shard& shard;
  UniqueFd fd;
  Owner* owner;
};

ForeignWatch::ForeignWatch(std::unique_ptr<Source> source) : source_(std::move(source)) {}

Result<std::unique_ptr<ForeignWatch>> ForeignWatch::open(Shard& shard, UniqueFd fd, Owner& owner) {
  const int number = fd.get();
  auto source = std::make_unique<Source>(shard, std::move(fd), owner);
  TRY_VOID(shard.impl().loop.addLevel(number, *source));
  return std::unique_ptr<ForeignWatch>(new ForeignWatch(std::move(source)));
}

ForeignWatch::~ForeignWatch() {
  EventLoop& loop = source_->shard.impl().loop;
  loop.remove(source_->fd.get());
  source_->fd.reset();
  source_->owner = nullptr;
  loop.retire(source_.release());
}

void ForeignWatch::setWriting(Writing writing) {
  if (writing == writing_) return;
  writing_ = writing;
  source_->shard.impl().loop.setLevel(source_->fd.get(), *source_,
                                      writing == Writing::kWanted
                                          ? EventLoop::Interest::kReadAndWrite
                                          : EventLoop::Interest::kRead);
}

}  // namespace nimbus::net
