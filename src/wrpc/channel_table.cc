#include "wrpc/channel_table.h"

#include <utility>

#include "base/check.h"
#include "wrpc/channel_state.h"

namespace nimbus::wrpc {

namespace {

class ChannelReader final : public ByteSource {
 public:
  ChannelReader(IndexPath path, std::shared_ptr<ChannelTable::State> state,
                std::shared_ptr<ChannelTable::State::Slot> slot)
      : path_(std::move(path)), state_(std::move(state)), slot_(std::move(slot)) {}
  ~ChannelReader() override { state_->readerGone(path_, *slot_); }

  Eventual<Result<std::optional<ByteChain>>> read() override {
    if (auto piece = state_->readNow(*slot_)) return *std::move(piece);
    return ChannelTable::State::readLater(state_, slot_);
  }

 private:
  const IndexPath path_;
  const std::shared_ptr<ChannelTable::State> state_;
  const std::shared_ptr<ChannelTable::State::Slot> slot_;
};

class Channels final : public ChannelSource {
 public:
  explicit Channels(std::shared_ptr<ChannelTable::State> state) : state_(std::move(state)) {}
  ~Channels() override { state_->sourceGone(); }

  std::unique_ptr<ByteSource> take(const IndexPath& path) override { return state_->take(path); }
  Eventual<Result<std::optional<Channel>>> next() override {
    if (auto channel = state_->nextNow()) return *std::move(channel);
    return ChannelTable::State::nextLater(state_);
  }

 private:
  const std::shared_ptr<ChannelTable::State> state_;
};

}  // namespace

std::unique_ptr<ByteSource> ChannelTable::State::open(const IndexPath& path,
                                                      const std::shared_ptr<Slot>& slot) {
  slot->taken = true;
  readers_ += 1;
  return std::make_unique<ChannelReader>(path, shared_from_this(), slot);
}

std::unique_ptr<ByteSource> ChannelTable::State::take(const IndexPath& path) {
  auto found = slots_.find(path);
  if (found == slots_.end()) {
    if (!makeSlot(path)) return nullptr;
    found = slots_.find(path);
  }
  if (found->second->taken) return nullptr;
  return open(path, found->second);
}

std::unique_ptr<ChannelSource> ChannelTable::State::openSource() {
  NIMBUS_CHECK(taker_ == Taker::kNotYet);
  taker_ = Taker::kOpen;
  readers_ += 1;
  return std::make_unique<Channels>(shared_from_this());
}

ChannelTable::ChannelTable(net::Shard& shard, const ChannelLimits& limits,
                           std::shared_ptr<ByteBudget> budget)
    : state_(std::make_shared<State>(shard, limits, std::move(budget))) {}

ChannelTable::~ChannelTable() {
  state_->finish(Error(ErrorCode::kCancelled, "the call was given up"));
}

Result<void> ChannelTable::push(const IndexPath& path, ByteView bytes) {
  return state_->push(path, bytes);
}
Result<void> ChannelTable::push(const IndexPath& path, Bytes bytes) {
  return state_->push(path, std::move(bytes));
}
Result<void> ChannelTable::end(const IndexPath& path) { return state_->end(path); }
void ChannelTable::finish() { state_->finish(std::nullopt); }
void ChannelTable::fail(Error error) { state_->finish(std::move(error)); }
bool ChannelTable::wantsMore() const { return state_->wantsMore(); }
Task<void> ChannelTable::room() { return State::room(state_); }
bool ChannelTable::abandoned() const { return state_->abandoned(); }
Task<void> ChannelTable::untilAbandoned() { return State::untilAbandoned(state_); }
std::size_t ChannelTable::undeliveredBytes() const { return state_->undelivered(); }
bool ChannelTable::starved() const { return state_->starved(); }
bool ChannelTable::used() const { return state_->used(); }
std::unique_ptr<ByteSource> ChannelTable::take(const IndexPath& path) { return state_->take(path); }
std::unique_ptr<ChannelSource> ChannelTable::source() { return state_->openSource(); }

}  // namespace nimbus::wrpc
