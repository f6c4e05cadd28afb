#include "wrpc/channel_state.h"

#include <utility>

#include <fmt/format.h>

namespace nimbus::wrpc {

// A reader that waits, as long as this lives.
class ChannelTable::State::Starving {
 public:
  Starving(State& state, Slot& slot) : state_(state), slot_(slot) {
    state_.setStarving(slot_, true);
    // The transport may have stopped, but goes on for one who starves.
    if (state_.undelivered_ > 0) state_.shard_.defer(state_);
  }
  Starving(const Starving&) = delete;
  Starving& operator=(const Starving&) = delete;
  ~Starving() { state_.setStarving(slot_, false); }

 private:
  State& state_;
  Slot& slot_;
};

template <typename Piece>
Result<void> ChannelTable::State::push(const IndexPath& path, Piece bytes) {
  const std::size_t byte_count = bytes.size();
  if (byte_count == 0 || finished_) return {};
  TRY(Slot* const slot, receive(path, byte_count));
  if (slot == nullptr) return {};
  slot->queued.append(std::move(bytes));
  undelivered_ += byte_count;
  return {};
}
template Result<void> ChannelTable::State::push(const IndexPath&, ByteView);
template Result<void> ChannelTable::State::push(const IndexPath&, Bytes);

// The channel that the bytes are for, woken; null if nobody will read them.
Result<ChannelTable::State::Slot*> ChannelTable::State::receive(const IndexPath& path,
                                                                std::size_t byte_count) {
  used_ = true;
  auto found = slots_.find(path);
  if (found == slots_.end()) {
    if (taker_ == Taker::kGone) return nullptr;
    TRY_VOID(makeSlot(path));
    found = slots_.find(path);
    noteFresh(path);
  }
  Slot& slot = *found->second;
  if (slot.dropped) return nullptr;
  if (slot.ended) return nimbus::fail(ErrorCode::kProtocol, "bytes for a channel that has ended");
  if (byte_count > limits_.max_undelivered_bytes - undelivered_) {
    return nimbus::fail(
        ErrorCode::kResourceExhausted,
        fmt::format("more than {} bytes of streams and futures that nobody has read yet",
                    limits_.max_undelivered_bytes));
  }
  if (!held_.hold(byte_count)) {
    return nimbus::fail(ErrorCode::kResourceExhausted,
                        "streams and futures of all calls that nobody has read yet are too much");
  }
  wake(found->second);
  return &slot;
}

Result<ChannelTable::State::Slot*> ChannelTable::State::makeSlot(const IndexPath& path) {
  if (path.size() > limits_.max_path_depth) {
    return nimbus::fail(ErrorCode::kProtocol, fmt::format("a path of {} steps, at most {}",
                                                          path.size(), limits_.max_path_depth));
  }
  if (slots_.size() - dropped_.size() >= limits_.max_channels) {
    return nimbus::fail(
        ErrorCode::kResourceExhausted,
        fmt::format("more than {} streams and futures at a time", limits_.max_channels));
  }
  return slots_.emplace(path, std::make_shared<Slot>()).first->second.get();
}

// Those that know types take by path and never ask for what is fresh: what they took goes from time
// to time.
void ChannelTable::State::noteFresh(const IndexPath& path) {
  if (fresh_.size() >= 2 * limits_.max_channels) {
    std::erase_if(fresh_, [this](const IndexPath& noted) {
      const auto found = slots_.find(noted);
      return found == slots_.end() || found->second->taken;
    });
  }
  fresh_.push_back(path);
  shard_.defer(*this);
}

Result<void> ChannelTable::State::end(const IndexPath& path) {
  auto found = slots_.find(path);
  if (found == slots_.end()) {
    if (taker_ == Taker::kGone || finished_) return {};
    TRY_VOID(makeSlot(path));
    found = slots_.find(path);
    noteFresh(path);
  }
  used_ = true;
  found->second->ended = true;
  wake(found->second);
  return {};
}

void ChannelTable::State::finish(std::optional<Error> error) {
  if (finished_) return;
  finished_ = true;
  failure_ = std::move(error);
  for (const auto& [path, slot] : slots_) wake(slot);
  shard_.defer(*this);
}

bool ChannelTable::State::wantsMore() const {
  if (starving_ > 0) {
    return undelivered_ < limits_.read_ahead_bytes ||
           undelivered_ + limits_.read_ahead_bytes <= limits_.max_undelivered_bytes;
  }
  return undelivered_ == 0 ||
         (undelivered_ < limits_.read_ahead_bytes && held_.hasRoom(limits_.read_ahead_bytes));
}

Task<void> ChannelTable::State::room(std::shared_ptr<State> state) {
  while (!state->wantsMore() && !state->abandoned()) {
    state->room_.clear();
    co_await state->room_.wait();
  }
}

Task<void> ChannelTable::State::untilAbandoned(std::shared_ptr<State> state) {
  while (!state->abandoned()) {
    state->abandoned_.clear();
    co_await state->abandoned_.wait();
  }
}

std::optional<ChannelTable::State::Piece> ChannelTable::State::readNow(Slot& slot) {
  if (!slot.queued.empty()) {
    if (!wantsMore()) shard_.defer(*this);
    return takeQueued(slot);
  }
  if (slot.ended) return std::optional<ByteChain>();
  if (!finished_) return std::nullopt;
  if (failure_) return std::unexpected(*failure_);
  return std::optional<ByteChain>();
}

Task<ChannelTable::State::Piece> ChannelTable::State::readLater(std::shared_ptr<State> state,
                                                                std::shared_ptr<Slot> slot) {
  for (;;) {
    if (auto piece = state->readNow(*slot)) co_return *std::move(piece);
    const Starving starving(*state, *slot);
    slot->news.clear();
    co_await slot->news.wait();
  }
}

std::optional<ChannelTable::State::Next> ChannelTable::State::nextNow() {
  while (!fresh_.empty()) {
    const IndexPath path = std::move(fresh_.front());
    fresh_.pop_front();
    const auto found = slots_.find(path);
    if (found == slots_.end() || found->second->taken) continue;
    return Channel{path, open(path, found->second)};
  }
  if (!finished_) return std::nullopt;
  if (failure_) return std::unexpected(*failure_);
  return std::optional<Channel>();
}

Task<ChannelTable::State::Next> ChannelTable::State::nextLater(std::shared_ptr<State> state) {
  Slot waiting;  // who waits for a channel starves like one who waits for bytes
  for (;;) {
    if (auto channel = state->nextNow()) co_return *std::move(channel);
    const Starving starving(*state, waiting);
    state->fresh_news_.clear();
    co_await state->fresh_news_.wait();
  }
}

void ChannelTable::State::readerGone(const IndexPath& path, Slot& slot) {
  letGo(path, slot);
  removeReader();
}

// The oldest are forgotten: what still came for one of them would open it anew.
void ChannelTable::State::letGo(const IndexPath& path, Slot& slot) {
  slot.taken = true;
  slot.dropped = true;
  if (!slot.queued.empty()) shard_.defer(*this);
  (void)takeQueued(slot);
  dropped_.push_back(path);
  if (dropped_.size() <= limits_.max_channels) return;
  slots_.erase(dropped_.front());
  dropped_.pop_front();
}

ByteChain ChannelTable::State::takeQueued(Slot& slot) {
  undelivered_ -= slot.queued.size();
  held_.release(slot.queued.size());
  return std::exchange(slot.queued, {});
}

void ChannelTable::State::sourceGone() {
  taker_ = Taker::kGone;
  for (const IndexPath& path : std::exchange(fresh_, {})) {
    const auto found = slots_.find(path);
    if (found != slots_.end() && !found->second->taken) letGo(path, *found->second);
  }
  removeReader();
}

void ChannelTable::State::removeReader() {
  if (--readers_ == 0) shard_.defer(*this);
}

void ChannelTable::State::setStarving(Slot& slot, bool starving) {
  if (slot.starving == starving) return;
  slot.starving = starving;
  starving_ += starving ? 1 : -1;
}

void ChannelTable::State::wake(const std::shared_ptr<Slot>& slot) {
  if (!slot->starving) return;
  setStarving(*slot, false);
  woken_.push_back(slot);
  shard_.defer(*this);
}

// Any of these may drop the last reader, and the transport the table: nothing but this frame's
// share keeps the state alive.
void ChannelTable::State::runDeferred() {
  const auto self = shared_from_this();
  const auto woken = std::exchange(woken_, {});
  for (const auto& slot : woken) slot->news.set();
  if (!fresh_.empty() || finished_) fresh_news_.set();
  if (wantsMore() || abandoned()) room_.set();
  if (abandoned()) abandoned_.set();
}

}  // namespace nimbus::wrpc
