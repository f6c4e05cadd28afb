#include "engine/guest_channels.h"

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "base/sync.h"
#include "base/task.h"
#include "engine/ffi.h"
#include "engine/reply.h"

namespace nimbus::engine {
namespace {

using Piece = Result<std::optional<ByteChain>>;

// Has something run at the end of a turn of its shard, told so on any thread. Owned by those who
// may tell and by the one who is told, whose end closes it.
class Bell {
 public:
  Bell(net::Shard& shard, net::Deferred& told)
      : thread_(std::this_thread::get_id()), shard_(shard), told_(&told) {}
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  // On the shard's thread.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      told_ = nullptr;
    }
    release();
  }

  [[nodiscard]] NimbusWake wake() {
    references_.fetch_add(1, std::memory_order_relaxed);
    return {
        .wake = [](void* bell, std::uint64_t) { static_cast<Bell*>(bell)->ring(); },
        .release = [](void* bell) { static_cast<Bell*>(bell)->release(); },
        .queue = this,
        .token = 0,
    };
  }

 private:
  ~Bell() = default;

  void ring() {
    if (std::this_thread::get_id() == thread_) {
      if (told_ != nullptr) shard_.defer(*told_);
      return;
    }
    const std::lock_guard lock(mutex_);
    if (told_ == nullptr || std::exchange(posted_, true)) return;
    references_.fetch_add(1, std::memory_order_relaxed);
    // Released also if the shard ends before it runs.
    shard_.post([self = Held(this)] { self->arrive(); });
  }

  void arrive() {
    const std::lock_guard lock(mutex_);
    posted_ = false;
    if (told_ != nullptr) shard_.defer(*told_);
  }

  void release() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  struct GiveBack {
    void operator()(Bell* bell) const { bell->release(); }
  };
  using Held = std::unique_ptr<Bell, GiveBack>;

  std::atomic<std::uint64_t> references_{1};
  std::mutex mutex_;
  const std::thread::id thread_;
  net::Shard& shard_;    // alive as long as somebody is told
  net::Deferred* told_;  // changed under the mutex, on the shard's thread
  bool posted_ = false;
};

// What a guest writes, or what is in a stream of the host that it gave away. Readers are resumed at
// the end of a turn, never within a poll.
class OutletSource final : public wrpc::ByteSource, net::Deferred {
 public:
  OutletSource(net::Shard& shard, NimbusOutlet* outlet, UseToken use)
      : bell_(new Bell(shard, *this)), outlet_(outlet), use_(std::move(use)) {
    nimbus_outlet_watch(outlet_, bell_->wake());
  }
  ~OutletSource() override {
    bell_->close();
    nimbus_outlet_free(outlet_);
  }

  Eventual<Piece> read() override {
    if (std::optional<Piece> there = readNow()) return *std::move(there);
    return readLater();
  }

 private:
  Task<Piece> readLater() {
    while (true) {
      co_await ready_.wait();
      if (std::optional<Piece> there = readNow()) co_return *std::move(there);
    }
  }

  std::optional<Piece> readNow() {
    NimbusOwnedBytes bytes{};
    switch (nimbus_outlet_read(outlet_, &bytes)) {
      case NIMBUS_CHANNEL_DATA: {
        ByteChain piece;
        appendOwned(piece, bytes);
        return Piece(std::move(piece));
      }
      case NIMBUS_CHANNEL_PENDING: ready_.clear(); return std::nullopt;
      case NIMBUS_CHANNEL_END: use_.reset(); return Piece(std::nullopt);
      default:
        use_.reset();
        return Piece(fail(ErrorCode::kUnavailable, "the component broke a stream off"));
    }
  }

  void runDeferred() override { ready_.set(); }

  Bell* bell_;
  NimbusOutlet* outlet_;
  UseToken use_;
  Event ready_;
};

// What a guest reads.
class Inflow {
 public:
  explicit Inflow(std::unique_ptr<wrpc::ByteSource> source) : source_(std::move(source)) {}
  Inflow(const Inflow&) = delete;
  Inflow& operator=(const Inflow&) = delete;
  ~Inflow() {
    driver_.reset();  // cancels
    setWaker(nullptr);
  }

  NimbusChannelStatus read(NimbusWaker* waker, NimbusIncoming& incoming) {
    setWaker(waker);
    if (!reading_ && !piece_) start();
    if (!piece_) return NIMBUS_CHANNEL_PENDING;
    setWaker(nullptr);
    return hand(*std::exchange(piece_, std::nullopt), incoming);
  }

 private:
  void start() {
    driver_.reset();  // of the last read
    Eventual<Piece> piece = source_->read();
    if (piece.ready()) {
      piece_.emplace(piece.take());
      return;
    }
    reading_ = true;
    driver_.emplace(drive(*this, std::move(piece)));
    driver_->start();
  }

  static Task<void> drive(Inflow& inflow, Eventual<Piece> piece) {
    inflow.complete(co_await std::move(piece));
  }

  void complete(Piece piece) {
    piece_.emplace(std::move(piece));
    reading_ = false;
    if (waker_ != nullptr) nimbus_waker_wake(std::exchange(waker_, nullptr));
  }

  NimbusChannelStatus hand(Piece piece, NimbusIncoming& incoming) {
    if (!piece) {
      error_ = "a stream or future failed: " + piece.error().describe();
      incoming.error = toStr(error_);
      return NIMBUS_CHANNEL_BROKEN;
    }
    if (!*piece) return NIMBUS_CHANNEL_END;
    lent_.hand(std::move(**piece), incoming.bytes);
    return NIMBUS_CHANNEL_DATA;
  }

  void setWaker(NimbusWaker* waker) {
    if (waker_ != nullptr) nimbus_waker_free(waker_);
    waker_ = waker;
  }

  std::unique_ptr<wrpc::ByteSource> source_;
  std::optional<Task<void>> driver_;
  std::optional<Piece> piece_;
  bool reading_ = false;
  NimbusWaker* waker_ = nullptr;
  BorrowedReply lent_;
  std::string error_;
};

constexpr NimbusChannelCalls kCalls = {
    .take = [](void* channels, const std::uint32_t* path, std::size_t length) -> void* {
      auto source = static_cast<wrpc::Values*>(channels)->take({path, path + length});
      return source ? new Inflow(std::move(source)) : nullptr;
    },
    .release = [](void* channels) { delete static_cast<wrpc::Values*>(channels); },
    .read = [](void* channel, NimbusWaker* waker, NimbusIncoming* incoming) -> std::int32_t {
      return static_cast<Inflow*>(channel)->read(waker, *incoming);
    },
    .close = [](void* channel) { delete static_cast<Inflow*>(channel); },
};

}  // namespace

std::vector<wrpc::Channel> channelsOf(net::Shard& shard, const NimbusOutgoing* outgoing,
                                      std::size_t count, const UseToken& use) {
  std::vector<wrpc::Channel> channels;
  channels.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const NimbusOutgoing& from = outgoing[i];
    channels.push_back({wrpc::IndexPath(from.path, from.path + from.path_length),
                        std::make_unique<OutletSource>(shard, from.outlet, use)});
  }
  return channels;
}

NimbusChannels lendChannels(wrpc::Values&& values) {
  if (values.channels.empty() && !values.arriving) return {nullptr, nullptr};
  auto lent = std::make_unique<wrpc::Values>();
  lent->channels = std::move(values.channels);
  lent->arriving = std::move(values.arriving);
  return {lent.release(), &kCalls};
}

}  // namespace nimbus::engine
