#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "capability/keyvalue/redis/redis_call.h"
#include "capability/keyvalue/redis/redis_options.h"
#include "capability/keyvalue/redis/redis_queue.h"
#include "net/shard.h"

namespace nimbus::keyvalue {

class RedisLink;

// A Redis server as a function: a command in, its reply out. One connection, on a thread of its
// own, carries the commands of all shards, and is made anew in the background when it breaks: calls
// that had been sent then fail (what they asked for may have happened), those that had not wait for
// the next connection, and while the server is out of reach, calls fail at once. What is under way
// is bounded in number, bytes and time. Shards that call live longer.
//
//   CO_TRY(const RedisReply reply, co_await client->call({.words = {…}}));
class RedisClient {
 public:
  // Connects in the background: that nobody is there is an error of calls. kInvalidArgument, kIo
  // (files of TLS, threads). Blocks.
  [[nodiscard]] static Result<std::shared_ptr<RedisClient>> start(const RedisOptions& options);
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;
  // Blocks until the connection is closed. Any thread.
  ~RedisClient();

  // Any shard; completes there. The task must not outlive the client. A destroyed one gives the
  // call up: what has not been sent yet, never is. Errors: kInvalidArgument (more than can be
  // sent), kUnavailable, kPermissionDenied (the server does not let us in); that the server refuses
  // a command is a reply.
  [[nodiscard]] Task<Result<RedisReply>> call(RedisCommand command);

  // Why calls fail at present; empty: nothing is known to be wrong.
  [[nodiscard]] std::string problem() const { return queue_.problem(); }

 private:
  RedisClient() = default;

  RedisQueue queue_;
  std::unique_ptr<net::ShardGroup> group_;
  std::unique_ptr<RedisLink> link_;  // of its shard
};

}  // namespace nimbus::keyvalue
