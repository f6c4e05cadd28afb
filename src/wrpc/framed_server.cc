#include "wrpc/framed_server.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "base/race.h"
#include "base/sync.h"
#include "wrpc/served_call.h"

namespace nimbus::wrpc {
namespace {

// Failures are logged singly up to so many in a while; of the others only the number is.
constexpr int kMaxLoggedPerWindow = 20;
constexpr Duration kLogWindow = std::chrono::seconds(10);

std::string peerAddress(const net::Stream& stream) {
  const std::string& whole = stream.peer().address;
  return whole.substr(0, whole.rfind(':'));  // connections of one peer differ by their port
}

class SocketServer final : public FramedServer {
 public:
  SocketServer(net::Shard& shard, std::unique_ptr<net::ListenSocket> socket,
               std::shared_ptr<Invoker> invoker, FramedServerOptions options, Logger& log)
      : shard_(shard),
        options_(std::move(options)),
        log_(log),
        budget_(std::make_shared<ByteBudget>(options_.max_buffered_bytes)),
        consumer_(makeConsumer(options_)),
        invoker_(std::move(invoker)),
        session_(invoker_->open(shard, consumer_)),
        environment_{.shard = shard,
                     .invoker = *invoker_,
                     .session = *session_,
                     .consumer = *consumer_,
                     .options = options_,
                     .budget = budget_},
        acceptor_(net::makeAcceptor(
            shard, std::move(socket),
            [this](std::unique_ptr<net::Stream> stream) { accepted(std::move(stream)); })) {}

  Task<void> drain(Duration bound) override;
  [[nodiscard]] std::size_t callCount() const override { return calls_.size(); }

 private:
  // One of a peer's calls, as long as it lives.
  class PeerCall {
   public:
    PeerCall(SocketServer& server, std::string peer)
        : server_(server), entry_(server.peers_.try_emplace(std::move(peer)).first) {
      entry_->second += 1;
    }
    PeerCall(const PeerCall&) = delete;
    PeerCall& operator=(const PeerCall&) = delete;
    ~PeerCall() {
      if (--entry_->second == 0) server_.peers_.erase(entry_);
    }

    [[nodiscard]] const std::string& peer() const { return entry_->first; }
    [[nodiscard]] bool tooMany() const {
      return entry_->second > server_.options_.max_calls_per_peer && peer() != "unix";
    }

   private:
    SocketServer& server_;
    std::map<std::string, std::size_t>::iterator entry_;
  };

  static std::shared_ptr<const Consumer> makeConsumer(const FramedServerOptions& options) {
    auto consumer = std::make_shared<Consumer>();
    consumer->lease = options.resource_lease;
    return consumer;
  }

  void accepted(std::unique_ptr<net::Stream> stream);
  [[nodiscard]] Task<void> serve(std::unique_ptr<net::Stream> stream);
  void report(const std::string& peer, const std::string& function, const Error& error);

  net::Shard& shard_;
  const FramedServerOptions options_;
  Logger& log_;
  const std::shared_ptr<ByteBudget> budget_;
  const std::shared_ptr<const Consumer> consumer_;
  const std::shared_ptr<Invoker> invoker_;
  const std::unique_ptr<Session> session_;
  const ServedCallEnvironment environment_;
  std::map<std::string, std::size_t> peers_;
  TimePoint log_window_{};
  int logged_ = 0;
  TaskSet calls_;
  std::unique_ptr<net::Acceptor> acceptor_;
};

void SocketServer::accepted(std::unique_ptr<net::Stream> stream) {
  if (calls_.size() >= options_.max_calls) {
    return report(stream->peer().address, "",
                  Error(ErrorCode::kResourceExhausted, "too many calls at a time"));
  }
  calls_.spawn(serve(std::move(stream)));
}

Task<void> SocketServer::serve(std::unique_ptr<net::Stream> stream) {
  const PeerCall peer(*this, peerAddress(*stream));
  if (peer.tooMany()) {
    co_return report(peer.peer(), "",
                     Error(ErrorCode::kResourceExhausted, "too many calls of one peer at a time"));
  }
  ServedCall call(environment_, std::move(stream));
  const auto ended = co_await call.run();
  if (!ended) report(peer.peer(), call.functionName(), ended.error());
}

// A peer that gives up is no failure. What peers do wrong must not fill the log.
void SocketServer::report(const std::string& peer, const std::string& function,
                          const Error& error) {
  if (error.code() == ErrorCode::kCancelled) {
    return log_.debug("call ended early",
                      {{"peer", peer}, {"function", function}, {"error", error.describe()}});
  }
  if (shard_.now() - log_window_ > kLogWindow) {
    if (logged_ > kMaxLoggedPerWindow) {
      log_.warn("more calls failed", {{"count", std::to_string(logged_ - kMaxLoggedPerWindow)}});
    }
    log_window_ = shard_.now();
    logged_ = 0;
  }
  if (++logged_ > kMaxLoggedPerWindow) return;
  log_.warn("call failed", {{"peer", peer}, {"function", function}, {"error", error.describe()}});
}

Task<void> SocketServer::drain(Duration bound) {
  acceptor_->stop();
  // The acceptor hands over what the kernel had queued at the end of this turn.
  co_await shard_.sleepFor(std::chrono::milliseconds(1));
  co_await withTimeout(calls_.empty(), shard_.sleepFor(bound));
  if (calls_.size() > 0) {
    log_.warn("calls ended before they were done", {{"count", std::to_string(calls_.size())}});
  }
  calls_.cancelAll();
}

}  // namespace

std::unique_ptr<FramedServer> makeFramedServer(net::Shard& shard,
                                               std::unique_ptr<net::ListenSocket> socket,
                                               std::shared_ptr<Invoker> invoker,
                                               FramedServerOptions options, Logger& log) {
  return std::make_unique<SocketServer>(shard, std::move(socket), std::move(invoker),
                                        std::move(options), log);
}

}  // namespace nimbus::wrpc
