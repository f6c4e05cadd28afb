#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "nats/connection.h"
#include "nats/reply_slots.h"
#include "net/shard.h"

namespace nimbus::keyvalue {

// Requests to a NATS server from all shards, each of which has places for answers of its own. Ends
// before the shards do; if that is on none of them, it waits until they have given their places
// back.
class NatsRequests {
 public:
  NatsRequests(std::shared_ptr<nats::Connection> connection, Duration timeout);
  NatsRequests(const NatsRequests&) = delete;
  NatsRequests& operator=(const NatsRequests&) = delete;
  ~NatsRequests();

  // On the calling shard. Waits while the connection has much to write. Errors: kNotFound (nobody
  // listens), kPermissionDenied (only once the time is over: the server answers nothing),
  // kUnavailable (not connected, no answer in time, too many under way).
  [[nodiscard]] Task<Result<nats::Message>> ask(std::string subject, Bytes payload,
                                                nats::Connection::Headers headers = {});

  [[nodiscard]] nats::Connection& connection() { return *connection_; }
  [[nodiscard]] Duration timeout() const { return timeout_; }

 private:
  [[nodiscard]] std::shared_ptr<nats::ReplySlots> slotsOf(net::Shard& shard);

  // First: the last of the slots to go must not take it along, on their shard.
  const std::shared_ptr<nats::Connection> connection_;
  const Duration timeout_;
  std::mutex mutex_;
  std::map<const net::Shard*, std::shared_ptr<nats::ReplySlots>> slots_;
};

// Whether an error of NatsRequests::ask() is that the time was over: what was asked for may have
// happened.
[[nodiscard]] bool wasUnanswered(const Error& error);

}  // namespace nimbus::keyvalue
