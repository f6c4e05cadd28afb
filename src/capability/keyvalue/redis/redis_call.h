#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/sync.h"
#include "capability/keyvalue/redis/redis_protocol.h"
#include "capability/keyvalue/redis/redis_scripts.h"
#include "net/shard.h"

namespace nimbus::keyvalue {

// What a server is asked to do.
struct RedisCommand {
  // Set: the words are keys and arguments of this script, `key_count` of them keys.
  const RedisScript* script = nullptr;
  std::size_t key_count = 0;
  std::vector<Bytes> words = {};
  RedisReplyLimits limits = {};

  // What it keeps in memory while it is under way.
  [[nodiscard]] std::size_t bytes() const;
  // Adds it to what is to be sent; a script by its digest, or by its text.
  enum class ScriptBy { kDigest, kText };
  void appendTo(std::string& out, ScriptBy by) const;
};

// A command on its way from a caller's shard to that of the connection and back.
struct RedisCall {
  RedisCall(net::Shard& caller, RedisCommand asked)
      : shard(caller), command(std::move(asked)), bytes(command.bytes()) {}

  net::Shard& shard;
  const RedisCommand command;
  const std::size_t bytes;
  std::atomic<bool> abandoned = false;  // nobody waits for it any more

  // Of the connection's shard, until it is delivered.
  RedisCommand::ScriptBy script_by = RedisCommand::ScriptBy::kDigest;
  std::optional<Result<RedisReply>> result;

  OneShot<Result<RedisReply>> arrived;  // touched on the caller's shard only
};
using RedisCalls = std::vector<std::shared_ptr<RedisCall>>;

}  // namespace nimbus::keyvalue
