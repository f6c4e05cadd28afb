#pragma once

#include <cstdint>
#include <memory>

#include "engine/component_invoker.h"

namespace nimbus::host {

// One of those who share a session: the resources that its calls return go with it. On one shard.
class SessionCaller {
 public:
  explicit SessionCaller(std::uint32_t number) : first_(static_cast<std::uint64_t>(number) << 32) {}
  SessionCaller(const SessionCaller&) = delete;
  SessionCaller& operator=(const SessionCaller&) = delete;

  // Of what the next call returns.
  [[nodiscard]] std::uint64_t nextOwner() { return first_ | ++calls_; }

  void leave(engine::ExchangeSession& session) {
    go();
    disown(session);
  }
  void go() { gone_ = true; }
  // After each call that may have ended later.
  void callEnded(engine::ExchangeSession& session) const {
    if (gone_) disown(session);
  }

 private:
  void disown(engine::ExchangeSession& session) const {
    session.disown(first_, first_ | UINT32_MAX);
  }

  const std::uint64_t first_;
  std::uint32_t calls_ = 0;  // after four billion the first one's are old
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
