#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <utility>

#include "base/sync.h"
#include "base/task.h"
#include "net/shard.h"

namespace nimbus::host {

class Permits;

// The right to be one of those that run at the same time; given back when destroyed.
class Permit {
 public:
  Permit() = default;
  explicit Permit(Permits& from) : from_(&from) {}
  Permit(Permit&& other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
  Permit& operator=(Permit&& other) noexcept {
    std::swap(from_, other.from_);
    return *this;
  }
  ~Permit() { release(); }
  void release();

 private:
  Permits* from_ = nullptr;
};

// Bounds how many tasks of one shard do something at once; the others wait in the order they came.
// Lives longer than its permits and waiters. A waiter is resumed at the end of a turn of the loop,
// never inside of release().
class Permits final : net::Deferred {
 public:
  Permits(net::Shard& shard, std::size_t count) : shard_(shard), free_(count) {}
  ~Permits() override;

  [[nodiscard]] Task<Permit> acquire();
  // None if that would have to wait.
  [[nodiscard]] std::optional<Permit> tryAcquire();
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  friend class Permit;
  struct Waiter;
  void giveBack();
  void runDeferred() override;

  net::Shard& shard_;
  std::size_t free_;
  std::list<Waiter*> waiting_;
  bool* destroyed_ = nullptr;  // set while waiters are resumed
};

}  // namespace nimbus::host
