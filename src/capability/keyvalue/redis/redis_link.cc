#include "capability/keyvalue/redis/redis_link.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/escape.h"
#include "capability/keyvalue/redis/redis_answers.h"

namespace nimbus::keyvalue {
namespace {

// What is sent and has no reply yet; the rest waits, and costs only what its callers keep.
constexpr std::size_t kMaxSentCalls = 1024;
constexpr std::size_t kMaxSentBytes = 32 << 20;
// One write to the connection ends with the command that reaches this.
constexpr std::size_t kBatchBytes = 256 << 10;

// A connection that has been there for so long was of use, even if nothing was asked: some servers
// close those that are idle.
constexpr Duration kOfUse = std::chrono::milliseconds(500);

bool isUnknownScript(const RedisReply& reply) {
  return reply.kind == RedisReply::Kind::kError && reply.text.text().starts_with("NOSCRIPT");
}

}  // namespace

Result<std::unique_ptr<RedisLink>> RedisLink::start(net::Shard& shard,
                                                    std::shared_ptr<const RedisTarget> target,
                                                    RedisQueue& queue) {
  TRY(auto resolver, net::makeResolver(shard, target->options.connect_timeout));
  std::unique_ptr<RedisLink> link(
      new RedisLink(shard, std::move(target), queue, std::move(resolver)));
  link->tasks_.spawn(link->run());
  return link;
}

RedisLink::RedisLink(net::Shard& shard, std::shared_ptr<const RedisTarget> target,
                     RedisQueue& queue, std::unique_ptr<net::Resolver> resolver)
    : shard_(shard),
      target_(std::move(target)),
      queue_(queue),
      resolver_(std::move(resolver)),
      deadline_(shard, [this] {
        const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(
            target_->options.response_timeout);
        if (!replied_) useless_ = true;
        breakOff(
            Error(ErrorCode::kUnavailable, fmt::format("no reply within {} ms", limit.count())));
      }) {}

Task<void> RedisLink::run() {
  const RedisOptions& options = target_->options;
  Duration pause = options.first_pause;
  while (true) {
    auto wire = co_await connectToRedis(shard_, *resolver_, target_);
    std::optional<Error> error;
    bool lasted = false;
    if (wire) {
      static_cast<void>(queue_.setProblem(std::nullopt));
      const TimePoint begin = shard_.now();
      error = problemOf(co_await serve(*std::move(wire)));
      failSent(*error);
      const Duration served = shard_.now() - begin;
      lasted = !useless_ && (replied_ || served > kOfUse);
      if (served > options.longest_pause) pause = options.first_pause;
    } else {
      error = problemOf(wire.error());
    }
    // What has not been sent can wait for the next connection, if this one was of any use.
    if (lasted) {
      pause = options.first_pause;
    } else {
      failAll(*error);
    }
    co_await shard_.sleepFor(pause);
    if (!lasted) pause = std::min(pause * 2, options.longest_pause);
  }
}

// That it cannot be reached is the same to callers, whatever the reason; unless somebody is there
// who does not let us in.
Error RedisLink::problemOf(const Error& error) const {
  const ErrorCode code = error.code() == ErrorCode::kPermissionDenied ? ErrorCode::kPermissionDenied
                                                                      : ErrorCode::kUnavailable;
  return {code, "Redis server " + target_->place.describe(), error};
}

Task<Error> RedisLink::serve(std::unique_ptr<RedisWire> wire) {
  wire_ = wire.get();
  replied_ = false;
  useless_ = false;
  replica_.reset();
  broken_.reset();
  TaskSet sending;
  sending.spawn(sendCommands(*wire));
  const Error ended = co_await readReplies(*wire);
  wire_ = nullptr;
  deadline_.disarm();
  co_return broken_.value_or(ended);
}

Task<Error> RedisLink::readReplies(RedisWire& wire) {
  while (true) {
    auto settled = settleAll(wire);
    queue_.deliver(std::exchange(settled_, {}));
    if (!settled) co_return std::move(settled).error();
    if (!unsent_.empty()) wanted_.set();  // there may be room again
    const auto filled = co_await wire.fill();
    if (!filled) co_return filled.error();
  }
}

// Does not end by itself: it could not, while what reads is waiting for it.
Task<void> RedisLink::sendCommands(RedisWire& wire) {
  while (true) {
    wanted_.clear();
    if (std::string commands = nextCommands(); !commands.empty()) {
      auto sent = co_await wire.send(std::move(commands));
      if (sent) continue;
      breakOff(std::move(sent).error());
    }
    co_await wanted_.wait();
  }
}

std::string RedisLink::nextCommands() {
  for (auto& call : queue_.take()) unsent_.push_back(std::move(call));
  std::string commands;
  while (!broken_ && !unsent_.empty() && sent_.size() < kMaxSentCalls &&
         sent_bytes_ < kMaxSentBytes && commands.size() < kBatchBytes) {
    const auto call = std::move(unsent_.front());
    unsent_.pop_front();
    if (call->abandoned) {
      queue_.drop(*call);
      continue;
    }
    call->command.appendTo(commands, call->script_by);
    sent_bytes_ += call->bytes;
    sent_.push_back(call);
    if (sent_.size() == 1) expectReply();
  }
  return commands;
}

Result<void> RedisLink::settleAll(RedisWire& wire) {
  while (true) {
    const RedisReplyLimits limits =
        sent_.empty() ? RedisReplyLimits() : sent_.front()->command.limits;
    TRY(auto reply, wire.next(limits));
    if (!reply && replica_) return std::unexpected(*replica_);
    if (!reply) return {};
    TRY_VOID(settle(*std::move(reply)));
  }
}

Result<void> RedisLink::settle(RedisReply reply) {
  if (sent_.empty()) return fail(ErrorCode::kProtocol, "a reply that nobody has asked for");
  const auto call = std::move(sent_.front());
  sent_.pop_front();
  sent_bytes_ -= call->bytes;
  expectReply();
  replied_ = true;
  if (call->command.script != nullptr && call->script_by == RedisCommand::ScriptBy::kDigest &&
      isUnknownScript(reply)) {
    call->script_by = RedisCommand::ScriptBy::kText;
    unsent_.push_front(call);
    return {};
  }
  // Behind the name that we know there may be another server by now, which is the master.
  if (isFromRedisReplica(reply)) {
    useless_ = true;
    replica_ = Error(ErrorCode::kUnavailable,
                     fmt::format("it is a replica: {}", inQuotes(reply.text.text())));
  }
  call->result.emplace(std::move(reply));
  settled_.push_back(call);
  return {};
}

void RedisLink::expectReply() {
  if (sent_.empty()) {
    deadline_.disarm();
  } else {
    deadline_.armAfter(target_->options.response_timeout);
  }
}

// What reads is told in a later turn.
void RedisLink::breakOff(Error error) {
  if (wire_ == nullptr || broken_) return;
  broken_ = std::move(error);
  wire_->close();
}

void RedisLink::failSent(const Error& error) {
  RedisCalls failed(sent_.begin(), sent_.end());
  sent_.clear();
  sent_bytes_ = 0;
  for (const auto& call : failed) call->result.emplace(std::unexpected(error));
  queue_.deliver(std::move(failed));
}

void RedisLink::failAll(const Error& error) {
  RedisCalls failed = queue_.setProblem(error);
  failed.insert(failed.end(), unsent_.begin(), unsent_.end());
  unsent_.clear();
  for (const auto& call : failed) call->result.emplace(std::unexpected(error));
  queue_.deliver(std::move(failed));
}

}  // namespace nimbus::keyvalue
