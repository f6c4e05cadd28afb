#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/metrics.h"
#include "http/access_log.h"
#include "http/handler.h"
#include "http/server.h"
#include "net/shard.h"
#include "net/stream.h"

namespace nimbus::http {

// What is counted about ended exchanges.
struct ExchangeMetrics {
  std::array<std::shared_ptr<Counter>, 5> responses;  // by status class: [1] is 2xx
  std::shared_ptr<Histogram> duration_seconds;
};

// What all connections of one server share; lives longer than they do.
struct ConnectionEnvironment {
  net::Shard& shard;
  Handler& handler;
  const ServerLimits& limits;
  AccessLog* access_log;  // null: none
  Counter& requests;
  Counter& protocol_errors;
  Gauge& active_requests;
  const ExchangeMetrics* exchange_metrics = nullptr;  // null: not counted
};

// Both versions call it once at the end of every exchange: counts the status class, observes the
// duration, and writes the access log. `record.status` 0: no head was sent.
void recordExchange(const ConnectionEnvironment& environment, const AccessRecord& record);

// The value of a `date` field (RFC 9110 5.6.7), rendered once per second and thread. Valid until
// the next call on this thread. `now` is the shard's.
[[nodiscard]] std::string_view httpDate(TimePoint now);

// One accepted connection, whichever version it speaks. Internal to src/http.
class Connection {
 public:
  virtual ~Connection() = default;
  // Reads and answers until the connection ends; then the server destroys the connection.
  [[nodiscard]] virtual Task<void> run() = 0;
  // No new requests: an idle connection ends, a busy one after its exchanges.
  virtual void startDrain() = 0;
  // It is idle, and ends now: the last that it can say without waiting.
  virtual void beforeEviction() {}
  // Since when no whole request has been under way; nullopt while one is, or its answer is not all
  // sent.
  [[nodiscard]] virtual std::optional<TimePoint> idleSince() const = 0;
};

// `received`: bytes already read from the stream while the version was being found out.
[[nodiscard]] std::unique_ptr<Connection> makeHttp1Connection(ConnectionEnvironment& environment,
                                                              std::unique_ptr<net::Stream> stream,
                                                              std::string received);
[[nodiscard]] std::unique_ptr<Connection> makeHttp2Connection(ConnectionEnvironment& environment,
                                                              std::unique_ptr<net::Stream> stream,
                                                              std::string received);

}  // namespace nimbus::http
