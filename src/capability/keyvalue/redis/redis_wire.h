#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "capability/keyvalue/redis/redis_protocol.h"
#include "net/stream.h"

namespace nimbus::keyvalue {

// Replies and commands over a connected stream, of its shard. One coroutine may read and another
// one send.
class RedisWire {
 public:
  explicit RedisWire(std::unique_ptr<net::Stream> stream);

  // Waits for more bytes. kUnavailable: the server has closed the connection; and the stream's.
  [[nodiscard]] Task<Result<void>> fill();
  // RedisReader::next() of what there is.
  [[nodiscard]] Result<std::optional<RedisReply>> next(const RedisReplyLimits& limits) {
    return reader_.next(limits);
  }
  [[nodiscard]] Task<Result<void>> send(std::string commands);

  // Sends a command and waits for its reply; while nothing else is under way.
  [[nodiscard]] Task<Result<RedisReply>> ask(std::vector<std::string> words);

  // What waits is told in a later turn.
  void close() { stream_->close(); }

 private:
  const std::unique_ptr<net::Stream> stream_;
  RedisReader reader_;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace nimbus::keyvalue
