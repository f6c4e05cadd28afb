#include "capability/keyvalue/nats/nats_turns.h"

namespace nimbus::keyvalue {

NatsTurns::Place::Place(NatsTurns& turns, const std::string& subject)
    : turns_(turns), row_(net::Shard::current(), subject), mine_(std::make_shared<Turn>()) {
  const std::lock_guard lock(turns_.mutex_);
  before_ = std::exchange(turns_.last_[row_], mine_);
}

NatsTurns::Place::~Place() {
  {
    const std::lock_guard lock(turns_.mutex_);
    const auto last = turns_.last_.find(row_);
    if (last != turns_.last_.end() && last->second == mine_) turns_.last_.erase(last);
  }
  // Not at once: the next one would run within whatever destroys this one. Whoever gave up before
  // its turn lets the next one begin too early, which then may have to try again.
  net::Shard::current()->post([turn = mine_] { turn->over.set(); });
}

Task<std::optional<NatsTurns::Left>> NatsTurns::Place::wait() {
  if (before_ == nullptr) co_return std::nullopt;
  co_await before_->over.wait();
  co_return std::exchange(before_, nullptr)->left;
}

}  // namespace nimbus::keyvalue
