#pragma once

#include <cstdint>
#include <memory>

#include "engine/component_invoker.h"

namespace nimbus::host {

// One of those who share a session, by a number of its own: the resources that its calls return go
// with it. On one shard.
class SessionCaller {
 public:
  explicit SessionCaller(std::uint32_t number) : number_(number) {}
  SessionCaller(const SessionCaller&) = delete;
  SessionCaller& operator=(const SessionCaller&) = delete;

  [[nodiscard]] std::uint32_t number() const { return number_; }
  void leave(engine::ExchangeSession& session) {
    gone_ = true;
    session.disown(number_);
  }
  // After each call that may have ended later.
  void callEnded(engine::ExchangeSession& session) const {
    if (gone_) session.disown(number_);
  }

 private:
  const std::uint32_t number_;
  bool gone_ = false;
};

// Gives out the numbers of a session's callers.
class SessionCallers {
 public:
  [[nodiscard]] std::shared_ptr<SessionCaller> join() {
    // 0 is nobody's. After four billion others the first one is gone.
    if (++last_number_ == 0) ++last_number_;
    return std::make_shared<SessionCaller>(last_number_);
  }

 private:
  std::uint32_t last_number_ = 0;
};

}  // namespace nimbus::host
