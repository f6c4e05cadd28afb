#include "http/server.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/sync.h"
#include "http/connection.h"

namespace nimbus::http {
namespace {

// RFC 9113 3.4: what a client that speaks HTTP/2 by prior knowledge sends first.
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::size_t kOpeningReadBytes = 4 * 1024;
// A draining server gives a connection that has said nothing yet this long to set up TLS, and to
// send its request: it was accepted just before, and the client knows of no reason to try again.
constexpr Duration kOpeningGrace = std::chrono::milliseconds(500);

// As many as are accepted in one turn, and so many that a look at all connections serves for a
// number of evictions that grows with them.
constexpr std::size_t kLeastIdleFound = 64;
constexpr std::size_t kSlotsPerIdleFound = 16;
// From one look at all connections to the next, for each of them: ten times what that takes.
constexpr Duration kLookPause = std::chrono::microseconds(1);
constexpr Duration kAskPause = std::chrono::milliseconds(1);

struct ServerMetrics {
  explicit ServerMetrics(MetricRegistry& registry, std::size_t shard)
      : labels{{"shard", std::to_string(shard)}},
        connections(registry.gauge("nimbus_http_connections", "Open connections.", labels)),
        accepted(registry.counter("nimbus_http_connections_accepted_total", "Connections accepted.",
                                  labels)),
        refused(registry.counter("nimbus_http_connections_refused_total",
                                 "Connections closed at once because there were too many.",
                                 labels)),
        evicted(registry.counter("nimbus_http_connections_evicted_total",
                                 "Idle connections ended to make room for new ones.", labels)),
        handshake_errors(registry.counter("nimbus_http_tls_handshake_errors_total",
                                          "TLS handshakes that failed.", labels)),
        requests(registry.counter("nimbus_http_requests_total", "Requests received.", labels)),
        active(registry.gauge("nimbus_http_requests_active", "Requests being answered.", labels)),
        protocol_errors(registry.counter("nimbus_http_protocol_errors_total",
                                         "Messages or connections that broke the protocol.",
                                         labels)) {
    for (std::size_t i = 0; i < exchanges.responses.size(); ++i) {
      MetricLabels with_class = labels;
      with_class.emplace_back("class", std::to_string(i + 1) + "xx");
      exchanges.responses[i] = registry.counter("nimbus_http_responses_total",
                                                "Responses by class of status.", with_class);
    }
    exchanges.duration_seconds =
        registry.histogram("nimbus_http_request_duration_seconds",
                           "From a request's head to the end of its handler.", labels);
  }

  MetricLabels labels;
  std::shared_ptr<Gauge> connections;
  std::shared_ptr<Counter> accepted;
  std::shared_ptr<Counter> refused;
  std::shared_ptr<Counter> evicted;
  std::shared_ptr<Counter> handshake_errors;
  std::shared_ptr<Counter> requests;
  std::shared_ptr<Gauge> active;
  std::shared_ptr<Counter> protocol_errors;
  ExchangeMetrics exchanges;
};

class HttpServer final : public Server, private net::Deferred {
 public:
  HttpServer(net::Shard& shard, std::unique_ptr<net::ListenSocket> socket, Handler& handler,
             ServerOptions options, Logger& log, MetricRegistry& metrics)
      : shard_(shard),
        options_(complete(std::move(options))),
        others_(
            options_.connections->servers.join(shard, [this](const std::string&) { giveRoom(); })),
        log_(log),
        metrics_(metrics, shard.index()),
        environment_{.shard = shard,
                     .handler = handler,
                     .limits = options_.limits,
                     .access_log = options_.access_log,
                     .requests = *metrics_.requests,
                     .protocol_errors = *metrics_.protocol_errors,
                     .active_requests = *metrics_.active,
                     .exchange_metrics = &metrics_.exchanges},
        acceptor_(net::makeAcceptor(
            shard, std::move(socket),
            [this](std::unique_ptr<net::Stream> stream) { accepted(std::move(stream)); })) {}

  [[nodiscard]] Task<void> drain(Duration bound) override;
  [[nodiscard]] std::size_t connectionCount() const override { return slots_.size(); }

 private:
  class Slot;

  void accepted(std::unique_ptr<net::Stream> stream);
  static ServerOptions complete(ServerOptions options) {
    if (!options.connections)
      options.connections = std::make_shared<ListenerConnections>(options.limits.max_connections);
    return options;
  }
  // One place among the connections of the listener.
  [[nodiscard]] bool takePlace();
  bool endLongestIdle();
  [[nodiscard]] bool findLongestIdle();
  void giveRoom();
  [[nodiscard]] Task<void> serve(std::unique_ptr<net::Stream> stream);
  [[nodiscard]] Task<Result<std::string>> readOpening(Slot& slot, net::Stream& stream);
  void runDeferred() override { drain_news_.set(); }

  net::Shard& shard_;
  const ServerOptions options_;
  const std::unique_ptr<net::ShardPeers::Member> others_;
  TimePoint ask_again_{};  // the others, not before
  Logger& log_;
  ServerMetrics metrics_;
  ConnectionEnvironment environment_;
  bool draining_ = false;
  Event drain_news_;
  struct IdleSlot {
    Slot* slot = nullptr;  // null: it has gone
    TimePoint since;
  };
  std::vector<Slot*> slots_;
  // By a look at all of them: those that had been idle for the longest, which come last. Whichever
  // still is goes before all that are not listed.
  std::vector<IdleSlot> longest_idle_;
  TimePoint look_again_{};  // not before
  TaskSet connections_;
  std::unique_ptr<net::Acceptor> acceptor_;
};

// One connection from accept to end, in the frame of its serve(). While it opens (until its version
// is known) the slot keeps its deadline, except that setting up TLS has a time limit of its own. It
// can be evicted while it opens, too.
class HttpServer::Slot final : private net::Deferred {
 public:
  explicit Slot(HttpServer& server)
      : server_(server),
        index_(server.slots_.size()),
        timer_(server.shard_, [this] { expire(); }),
        began_(server.shard_.now()) {
    server_.slots_.push_back(this);
    server_.metrics_.connections->add(1);
  }
  ~Slot() override {
    if (!evicted_) server_.options_.connections->quota.give(1);
    if (listed_at_) server_.longest_idle_[*listed_at_].slot = nullptr;
    server_.slots_.back()->index_ = index_;
    server_.slots_[index_] = server_.slots_.back();
    server_.slots_.pop_back();
    server_.metrics_.connections->add(-1);
    if (server_.draining_) server_.shard_.defer(server_);
  }

  // TLS is being set up over the stream.
  void securing(net::Stream& stream) {
    stream_ = &stream;
    deadline_ = TimePoint::max();
    if (server_.draining_) startDrain();
  }
  // The stream is closed then, unless the version is known before.
  void openBefore(net::Stream& stream, Duration allowed) {
    stream_ = &stream;
    deadline_ = server_.shard_.now() + allowed;
    timer_.armAt(deadline_);
  }
  void opened(Connection& connection, net::Stream& stream) {
    stream_ = &stream;
    timer_.disarm();
    connection_ = &connection;
    // Once its run() has begun: HTTP/2 has its settings to send first.
    if (server_.draining_) server_.shard_.defer(*this);
  }

  void startDrain() {
    if (connection_ != nullptr) {
      connection_->startDrain();
    } else if (opening()) {
      deadline_ = std::min(deadline_, server_.shard_.now() + kOpeningGrace);
      timer_.armAt(deadline_);
    }
  }

  // Since when it could go for another one; nullopt: it cannot.
  [[nodiscard]] std::optional<TimePoint> idleSince() const {
    if (evicted_ || stream_ == nullptr) return std::nullopt;
    return connection_ == nullptr ? began_ : connection_->idleSince();
  }
  // Where it is in longest_idle_, if it is.
  void list(std::optional<std::size_t> at) { listed_at_ = at; }
  // At the end of the turn; its place is free at once.
  void evict() {
    evicted_ = true;
    server_.options_.connections->quota.give(1);
    server_.shard_.defer(*this);
  }

 private:
  [[nodiscard]] bool opening() const { return stream_ != nullptr && connection_ == nullptr; }
  void expire() {
    if (opening()) server_.shard_.defer(*this);
  }
  void runDeferred() override {
    // A request came before the turn was over: it goes first.
    if (evicted_ && connection_ != nullptr && !connection_->idleSince()) {
      evicted_ = false;
      server_.options_.connections->quota.takeAnyway(1);
    }
    if (evicted_ && connection_ != nullptr) connection_->beforeEviction();
    if (opening() || evicted_) {
      stream_->closeOrderly();  // ends serve(), and this object
    } else if (server_.draining_) {
      connection_->startDrain();
    }
  }

  HttpServer& server_;
  std::size_t index_;
  net::Timer timer_;
  const TimePoint began_;
  TimePoint deadline_{};
  net::Stream* stream_ = nullptr;
  bool evicted_ = false;
  std::optional<std::size_t> listed_at_;
  Connection* connection_ = nullptr;
};

void HttpServer::accepted(std::unique_ptr<net::Stream> stream) {
  if (!takePlace()) {
    metrics_.refused->add();
    return;
  }
  metrics_.accepted->add();
  connections_.spawn(serve(std::move(stream)));
}

bool HttpServer::takePlace() {
  Quota& quota = options_.connections->quota;
  if (quota.take(1) > 0) return true;
  if (options_.when_full == WhenFull::kRefuse) return false;
  if (endLongestIdle()) return quota.take(1) > 0;
  if (shard_.now() >= ask_again_) {
    ask_again_ = shard_.now() + kAskPause;
    others_->askOthers({});
  }
  return false;
}

void HttpServer::giveRoom() {
  if (!options_.connections->quota.anyFree()) endLongestIdle();
}

bool HttpServer::endLongestIdle() {
  while (!longest_idle_.empty() || findLongestIdle()) {
    const IdleSlot longest = longest_idle_.back();
    longest_idle_.pop_back();
    if (longest.slot == nullptr) continue;
    longest.slot->list(std::nullopt);
    if (longest.slot->idleSince() != longest.since) continue;  // it has had a request meanwhile
    longest.slot->evict();
    metrics_.evicted->add();
    return true;
  }
  return false;
}

// What it costs is bounded, however many come while all places are taken.
bool HttpServer::findLongestIdle() {
  if (shard_.now() < look_again_) return false;
  look_again_ = shard_.now() + static_cast<std::int64_t>(slots_.size()) * kLookPause;
  for (Slot* const slot : slots_) {
    if (const auto since = slot->idleSince()) longest_idle_.push_back({slot, *since});
  }
  const std::size_t wanted = kLeastIdleFound + slots_.size() / kSlotsPerIdleFound;
  if (longest_idle_.size() > wanted) {
    const auto rest = longest_idle_.begin() + static_cast<std::ptrdiff_t>(wanted);
    std::ranges::nth_element(longest_idle_, rest, {}, &IdleSlot::since);
    longest_idle_.erase(rest, longest_idle_.end());
  }
  std::ranges::sort(longest_idle_, std::ranges::greater(), &IdleSlot::since);
  for (std::size_t i = 0; i < longest_idle_.size(); ++i) longest_idle_[i].slot->list(i);
  return !longest_idle_.empty();
}

Task<void> HttpServer::serve(std::unique_ptr<net::Stream> stream) {
  Slot slot(*this);
  if (options_.tls != nullptr) {
    const std::string peer = stream->peer().address;
    slot.securing(*stream);
    auto secured =
        co_await options_.tls->accept(std::move(stream), options_.limits.tls_handshake_timeout);
    if (!secured) {
      metrics_.handshake_errors->add();
      log_.debug("TLS handshake failed", {{"peer", peer}, {"error", secured.error().describe()}});
      co_return;
    }
    stream = *std::move(secured);
  }
  std::unique_ptr<Connection> connection;
  net::Stream& connected = *stream;
  if (stream->peer().alpn == "h2") {
    connection = makeHttp2Connection(environment_, std::move(stream), {});
  } else {
    auto received = co_await readOpening(slot, *stream);
    if (!received) {
      stream->closeOrderly();
      co_return;
    }
    const bool http2 = received->starts_with(kPreface);
    connection = http2 ? makeHttp2Connection(environment_, std::move(stream), *std::move(received))
                       : makeHttp1Connection(environment_, std::move(stream), *std::move(received));
    // So that already its first response says so.
    if (draining_ && !http2) connection->startDrain();
  }
  slot.opened(*connection, connected);
  co_await connection->run();
}

// The first bytes: as many as show which version the client speaks.
Task<Result<std::string>> HttpServer::readOpening(Slot& slot, net::Stream& stream) {
  slot.openBefore(stream, draining_ ? kOpeningGrace : options_.limits.idle_timeout);
  CO_TRY_VOID(co_await stream.readable());
  std::string received;
  std::size_t size = 0;
  bool begun = false;
  do {
    // From the first byte on, however many come one by one.
    if (size > 0 && !std::exchange(begun, true)) {
      slot.openBefore(stream, options_.limits.header_timeout);
    }
    received.resize(kOpeningReadBytes);
    const std::span room(reinterpret_cast<std::uint8_t*>(received.data()) + size,
                         received.size() - size);
    CO_TRY(const std::size_t count, co_await stream.read(room));
    if (count == 0) co_return fail(ErrorCode::kUnavailable, "the client said nothing");
    size += count;
    received.resize(size);
  } while (size < kPreface.size() && kPreface.starts_with(received));
  co_return received;
}

Task<void> HttpServer::drain(Duration bound) {
  draining_ = true;
  bool bound_passed = false;
  net::Timer limit(shard_, [this, &bound_passed] {
    bound_passed = true;
    shard_.defer(*this);
  });
  limit.armAfter(bound);
  acceptor_->stop();
  for (std::size_t i = 0; i < slots_.size(); ++i) slots_[i]->startDrain();
  // The acceptor hands over what the kernel had queued at the end of this turn.
  co_await shard_.sleepFor(std::chrono::milliseconds(1));
  while (!slots_.empty() && !bound_passed) {
    drain_news_.clear();
    co_await drain_news_.wait();
  }
  if (!slots_.empty()) {
    log_.warn("connections closed before they were done",
              {{"count", std::to_string(slots_.size())}});
  }
  connections_.cancelAll();
}

}  // namespace

std::unique_ptr<Server> makeServer(net::Shard& shard, std::unique_ptr<net::ListenSocket> socket,
                                   Handler& handler, ServerOptions options, Logger& log,
                                   MetricRegistry& metrics) {
  return std::make_unique<HttpServer>(shard, std::move(socket), handler, std::move(options), log,
                                      metrics);
}

}  // namespace nimbus::http
