#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "base/task.h"
#include "nats/connect_options.h"
#include "nats/subscription.h"
#include "net/shard.h"

namespace nimbus::nats {

class Worker;

// A connection to a NATS server, shared by all shards. One of them is its home and does its input
// and output; messages for subscribers on other shards take one trip through their queues. Lost
// connections are made again in the background, with all subscriptions; meanwhile publishing fails
// at once (kUnavailable), because an answer that was asked for would come too late. Changes of
// state go to the log.
//
//   CO_TRY(auto connection, co_await nats::Connection::connect(shard, options, logger));
//   CO_TRY(auto subscription, connection->subscribe(shard, {.subject = "orders.>"}, subscriber));
//   CO_TRY_VOID(co_await connection->flush(shard, seconds(2)));  // the server knows it
//   …
//   subscription = nullptr;
//   co_await connection->close();
//
// Subscriptions end before it; whoever publishes after close() is refused (kUnavailable). close()
// is the way to end it without blocking: the destructor disconnects too, but waits for it, for as
// long as an attempt to connect may take; it needs the home shard's loop to be still running.
class Connection {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  // On the home shard. Blocks no shard; only destroying the task before it is done does, until the
  // attempt has ended (see ConnectOptions::connect_timeout).
  [[nodiscard]] static Task<Result<std::shared_ptr<Connection>>> connect(net::Shard& home,
                                                                         ConnectOptions options,
                                                                         Logger& logger);
  explicit Connection(std::shared_ptr<Link> link);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // On the home shard: sends what was published, ends all subscriptions and disconnects.
  [[nodiscard]] Task<void> close();

  // Any shard, at any time. Sent at the end of the home shard's turn. Errors: kUnavailable (not
  // connected, or too much waits already), kResourceExhausted (more than maxPayload()).
  [[nodiscard]] Result<void> publish(const std::string& subject, ByteView payload) {
    return publish(subject, kNoReply, payload);
  }
  [[nodiscard]] Result<void> publish(const std::string& subject, const std::string& reply,
                                     ByteView payload);
  [[nodiscard]] Result<void> publish(const std::string& subject, const std::string& reply,
                                     const Headers& headers, ByteView payload);

  // Messages are delivered on `shard`, where this is called and the subscription is destroyed.
  [[nodiscard]] Result<std::unique_ptr<Subscription>> subscribe(net::Shard& shard,
                                                                const SubscribeOptions& options,
                                                                Subscriber& subscriber);

  // Completes once the server has taken all that was published and subscribed before.
  [[nodiscard]] Task<Result<void>> flush(net::Shard& shard, Duration timeout);

  [[nodiscard]] bool connected() const;
  // Of one message with its headers; the server says it.
  [[nodiscard]] std::size_t maxPayload() const;
  // What was published and not yet written.
  [[nodiscard]] std::size_t bufferedBytes() const;
  // Whether the server has said since then that we may not publish to that subject. It says so some
  // time after, and to nobody else: what was published is lost. Of many such subjects, the last
  // ones.
  [[nodiscard]] bool wasForbidden(std::string_view subject, TimePoint since) const;
  // A subject of its own for answers: "_INBOX.<random>".
  [[nodiscard]] std::string newInbox() const;

 private:
  static const std::string kNoReply;

  std::shared_ptr<Link> link_;
  std::unique_ptr<Worker> worker_;
  bool closed_ = false;
};

}  // namespace nimbus::nats
