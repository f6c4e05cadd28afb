#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/sync.h"
#include "base/task.h"
#include "capability/keyvalue/redis/redis_call.h"
#include "capability/keyvalue/redis/redis_connect.h"
#include "capability/keyvalue/redis/redis_queue.h"
#include "capability/keyvalue/redis/redis_wire.h"
#include "net/resolver.h"
#include "net/shard.h"

namespace nimbus::keyvalue {

// The one connection of a client, on its shard: takes what waits in the queue, sends it, and gives
// replies to whom they belong, in order; makes a new connection when this one has broken.
// Destroying it ends everything; calls that have no reply yet get none.
class RedisLink {
 public:
  // `queue` outlives it.
  [[nodiscard]] static Result<std::unique_ptr<RedisLink>> start(
      net::Shard& shard, std::shared_ptr<const RedisTarget> target, RedisQueue& queue);
  RedisLink(const RedisLink&) = delete;
  RedisLink& operator=(const RedisLink&) = delete;

  // Something waits in the queue.
  void wake() { wanted_.set(); }

 private:
  RedisLink(net::Shard& shard, std::shared_ptr<const RedisTarget> target, RedisQueue& queue,
            std::unique_ptr<net::Resolver> resolver);

  [[nodiscard]] Task<void> run();
  // Serves on one connection until it breaks, and says why.
  [[nodiscard]] Task<Error> serve(std::unique_ptr<RedisWire> wire);
  [[nodiscard]] Task<Error> readReplies(RedisWire& wire);
  [[nodiscard]] Task<void> sendCommands(RedisWire& wire);
  // Words for the wire, of calls that are under way from then on; empty if there is nothing to do,
  // or enough is under way.
  [[nodiscard]] std::string nextCommands();
  // All replies that are there.
  [[nodiscard]] Result<void> settleAll(RedisWire& wire);
  [[nodiscard]] Result<void> settle(RedisReply reply);
  void expectReply();
  void breakOff(Error error);
  [[nodiscard]] Error problemOf(const Error& error) const;
  void failSent(const Error& error);
  void failAll(const Error& error);

  net::Shard& shard_;
  const std::shared_ptr<const RedisTarget> target_;
  RedisQueue& queue_;
  const std::unique_ptr<net::Resolver> resolver_;

  std::deque<std::shared_ptr<RedisCall>> unsent_;
  std::deque<std::shared_ptr<RedisCall>> sent_;  // in the order in which replies come
  std::size_t sent_bytes_ = 0;
  RedisCalls settled_;  // have their replies, and are not delivered yet

  // Of the present connection.
  RedisWire* wire_ = nullptr;
  bool replied_ = false;
  bool useless_ = false;          // whatever it has replied: nothing waits for another one like it
  std::optional<Error> replica_;  // it is one, so it is left once its replies are settled
  std::optional<Error> broken_;   // why we have closed it

  Event wanted_;         // something may be sent
  net::Timer deadline_;  // of the reply that comes next
  TaskSet tasks_;        // last: they use the rest
};

}  // namespace nimbus::keyvalue
