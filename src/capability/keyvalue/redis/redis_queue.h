#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "capability/keyvalue/allowance.h"
#include "capability/keyvalue/redis/redis_call.h"

namespace nimbus::keyvalue {

// What calls and the connection have between them: those that wait to be sent, and whether there is
// any use in waiting. Any thread.
class RedisQueue {
 public:
  RedisQueue();

  // True if the connection is to be told that something waits. kInvalidArgument: the call is larger
  // than all that may be under way. kUnavailable: too much is under way already. Else the problem.
  [[nodiscard]] Result<bool> add(std::shared_ptr<RedisCall> call);

  // The connection's side. What waits at present.
  [[nodiscard]] RedisCalls take();
  // From now on calls fail at once with that error, until there is none. Those that wait already
  // are given back.
  [[nodiscard]] RedisCalls setProblem(std::optional<Error> problem);
  // Gives the calls, which have results, to their callers.
  void deliver(RedisCalls calls);
  // It has ended without a result.
  void drop(const RedisCall& call);

  [[nodiscard]] std::string problem() const;

 private:
  Allowance calls_;  // under way
  Allowance bytes_;  // of these
  mutable std::mutex mutex_;
  RedisCalls waiting_;
  std::optional<Error> problem_;
};

}  // namespace nimbus::keyvalue
