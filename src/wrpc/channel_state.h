#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/sync.h"
#include "wrpc/channel_table.h"

namespace nimbus::wrpc {

// What a ChannelTable and its readers share. Internal to channel_table.cc and channel_state.cc.
class ChannelTable::State final : public std::enable_shared_from_this<State>,
                                  private net::Deferred {
 public:
  // One channel. Its reader and the map hold it.
  struct Slot {
    ByteChain queued;
    bool taken = false;     // a reader has, or had, it
    bool dropped = false;   // its reader has gone: what arrives is let go
    bool ended = false;     // nothing more comes for it
    bool starving = false;  // its reader waits
    Event news;
  };

  State(net::Shard& shard, const ChannelLimits& limits, std::shared_ptr<ByteBudget> budget)
      : shard_(shard), limits_(limits), held_(std::move(budget)) {}

  // The transport's side. Both kinds of bytes go the same way.
  template <typename Piece>
  Result<void> push(const IndexPath& path, Piece bytes);
  Result<void> end(const IndexPath& path);
  void finish(std::optional<Error> error);
  [[nodiscard]] bool wantsMore() const;
  [[nodiscard]] bool abandoned() const { return readers_ == 0; }
  [[nodiscard]] std::size_t undelivered() const { return undelivered_; }
  [[nodiscard]] bool starved() const { return starving_ > 0; }
  [[nodiscard]] bool used() const { return used_; }
  static Task<void> room(std::shared_ptr<State> state);
  static Task<void> untilAbandoned(std::shared_ptr<State> state);

  // The readers' side.
  [[nodiscard]] std::unique_ptr<ByteSource> take(const IndexPath& path);
  [[nodiscard]] std::unique_ptr<ChannelSource> openSource();
  // Whatever a reader can have now; nullopt inside: it must wait.
  using Piece = Result<std::optional<ByteChain>>;
  [[nodiscard]] std::optional<Piece> readNow(Slot& slot);
  static Task<Piece> readLater(std::shared_ptr<State> state, std::shared_ptr<Slot> slot);
  using Next = Result<std::optional<Channel>>;
  [[nodiscard]] std::optional<Next> nextNow();
  static Task<Next> nextLater(std::shared_ptr<State> state);
  void readerGone(const IndexPath& path, Slot& slot);
  void sourceGone();

 private:
  class Starving;
  using Slots = std::map<IndexPath, std::shared_ptr<Slot>>;
  enum class Taker { kNotYet, kOpen, kGone };  // the ChannelSource

  Result<Slot*> receive(const IndexPath& path, std::size_t byte_count);
  Result<Slot*> makeSlot(const IndexPath& path);
  void noteFresh(const IndexPath& path);
  [[nodiscard]] std::unique_ptr<ByteSource> open(const IndexPath& path,
                                                 const std::shared_ptr<Slot>& slot);
  void letGo(const IndexPath& path, Slot& slot);
  [[nodiscard]] ByteChain takeQueued(Slot& slot);
  void removeReader();
  void setStarving(Slot& slot, bool starving);
  void wake(const std::shared_ptr<Slot>& slot);
  void runDeferred() override;

  net::Shard& shard_;
  const ChannelLimits limits_;
  Slots slots_;
  std::deque<IndexPath> fresh_;    // arrived, in order; some may have been taken since
  std::deque<IndexPath> dropped_;  // still in slots_, the oldest first
  std::size_t undelivered_ = 0;
  ByteBudget::Share held_;  // for them
  std::size_t readers_ = 0;
  std::size_t starving_ = 0;
  Taker taker_ = Taker::kNotYet;
  bool used_ = false;
  bool finished_ = false;
  std::optional<Error> failure_;

  // Levels, set by runDeferred() and cleared by those who wait.
  std::vector<std::shared_ptr<Slot>> woken_;
  Event fresh_news_;
  Event room_;
  Event abandoned_;
};

}  // namespace nimbus::wrpc
