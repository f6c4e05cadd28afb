#pragma once

#include <coroutine>

#include "net/shard.h"

namespace nimbus::net {

// `co_await GiveWay(shard);` goes on at the end of the shard's turn, or of the next one if the
// caller runs there: who has much to do does it in pieces, and all others have a turn in between.
class GiveWay final : private Deferred {
 public:
  explicit GiveWay(Shard& shard) : shard_(shard) {}

  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    shard_.defer(*this);
  }
  void await_resume() const {}

 private:
  void runDeferred() override { waiting_.resume(); }

  Shard& shard_;
  std::coroutine_handle<> waiting_;
};

}  // namespace nimbus::net
