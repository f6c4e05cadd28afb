#include "capability/keyvalue/redis/redis_queue.h"

#include <map>
#include <utility>

#include <fmt/format.h>

namespace nimbus::keyvalue {
namespace {

constexpr std::uint64_t kMaxCalls = 65'536;
constexpr std::uint64_t kMaxCallBytes = 256 << 20;

}  // namespace

RedisQueue::RedisQueue() : calls_(kMaxCalls), bytes_(kMaxCallBytes) {}

Result<bool> RedisQueue::add(std::shared_ptr<RedisCall> call) {
  const std::lock_guard lock(mutex_);
  if (problem_) return std::unexpected(*problem_);
  if (call->bytes > kMaxCallBytes)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a call with {} bytes; at most {} can be sent to the Redis server",
                            call->bytes, kMaxCallBytes));
  const bool fits = calls_.take(1);
  if (!fits || !bytes_.take(call->bytes)) {
    if (fits) calls_.give(1);
    return fail(ErrorCode::kUnavailable, "too many calls wait for the Redis server");
  }
  waiting_.push_back(std::move(call));
  return waiting_.size() == 1;
}

RedisCalls RedisQueue::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(waiting_, {});
}

RedisCalls RedisQueue::setProblem(std::optional<Error> problem) {
  const std::lock_guard lock(mutex_);
  problem_ = std::move(problem);
  return problem_ ? std::exchange(waiting_, {}) : RedisCalls();
}

// One message for each shard.
void RedisQueue::deliver(RedisCalls calls) {
  std::map<net::Shard*, RedisCalls> by_shard;
  for (auto& call : calls) {
    drop(*call);
    if (!call->abandoned) by_shard[&call->shard].push_back(std::move(call));
  }
  for (auto& [shard, part] : by_shard) {
    shard->post([part = std::move(part)] {
      for (const auto& call : part) call->arrived.set(*std::move(call->result));
    });
  }
}

void RedisQueue::drop(const RedisCall& call) {
  calls_.give(1);
  bytes_.give(call.bytes);
}

std::string RedisQueue::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_ ? problem_->describe() : std::string();
}

}  // namespace nimbus::keyvalue
