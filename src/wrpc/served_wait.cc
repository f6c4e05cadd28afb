#include "wrpc/served_wait.h"

#include <utility>

#include <fmt/format.h>

namespace nimbus::wrpc {

// Whoever waits for the peer, or for news, finds the reason in a later turn.
void ServedWait::giveUp(Error reason) {
  if (!failure_) failure_ = std::move(reason);
  peer_.abandon(*failure_);
  tell();
}

Task<Result<Values>> ServedWait::results(Eventual<Result<Values>> results) {
  working_.spawn(collect(std::move(results)));
  while (!results_ && !failure_) co_await news();
  working_.cancelAll();
  if (failure_) co_return std::unexpected(*failure_);
  co_return *std::exchange(results_, std::nullopt);
}

Task<void> ServedWait::collect(Eventual<Result<Values>> results) {
  results_ = co_await std::move(results);
  tell();
}

Task<Result<void>> ServedWait::sent(Task<Result<void>> sending) {
  working_.spawn(finish(std::move(sending)));
  while (!sent_ && !failure_) co_await news();
  working_.cancelAll();
  if (failure_) co_return std::unexpected(*failure_);
  co_return *std::move(sent_);
}

Task<void> ServedWait::finish(Task<Result<void>> sending) {
  sent_ = co_await std::move(sending);
  tell();
}

void ServedWait::limit(Duration allowed, std::string_view what) {
  limited_ = what;
  arm(allowed);
}

void ServedWait::limitStalls(Duration allowed) {
  limited_ = {};
  stall_ = allowed;
  progress_ = peer_.progress();
  arm(allowed);
}

void ServedWait::stopLimiting() {
  if (timer_) timer_->disarm();
}

void ServedWait::arm(Duration allowed) {
  if (!timer_) timer_.emplace(shard_, [this] { expire(); });
  timer_->armAfter(allowed);
}

void ServedWait::expire() {
  if (!limited_.empty()) {
    return giveUp(Error(ErrorCode::kDeadlineExceeded, fmt::format("{} took too long", limited_)));
  }
  if (progress_ != peer_.progress() || !peer_.owesProgress()) return limitStalls(stall_);
  giveUp(Error(ErrorCode::kDeadlineExceeded, "the peer takes and sends nothing"));
}

}  // namespace nimbus::wrpc
