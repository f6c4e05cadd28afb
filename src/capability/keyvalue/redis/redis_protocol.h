#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

struct redisReader;

// The protocol of Redis (RESP2), by hiredis: what goes over the wire is put into words and read
// here, and nowhere else.
namespace nimbus::keyvalue {

struct RedisReply {
  enum class Kind {
    kNothing,  // no such value
    kText,     // any bytes
    kStatus,   // "OK"
    kError,    // "WRONGTYPE Operation against …"
    kNumber,
    kList,
  };
  Kind kind = Kind::kNothing;
  std::int64_t number = 0;
  Bytes text;  // of kText, kStatus, kError
  std::vector<RedisReply> list;
};

// How large a reply may be.
struct RedisReplyLimits {
  std::size_t bytes = 64 << 10;  // on the wire
  std::size_t elements = 64;     // of all its lists together
};

// Makes replies of the bytes of a server, which may say anything: no more is kept than the limits
// of the reply that is awaited allow, and what came with the last piece.
class RedisReader {
 public:
  RedisReader();
  RedisReader(const RedisReader&) = delete;
  RedisReader& operator=(const RedisReader&) = delete;
  ~RedisReader();

  // Bytes that have arrived; next() looks at them.
  void feed(ByteView bytes);
  // The next reply that is there as a whole; nothing if bytes are missing. kProtocol: these bytes
  // are none, or of one that is larger than the limits; then there is nothing more to be read.
  [[nodiscard]] Result<std::optional<RedisReply>> next(const RedisReplyLimits& limits);

 private:
  struct Free {
    void operator()(redisReader* reader) const;
  };
  class Builder;

  const std::unique_ptr<Builder> builder_;
  const std::unique_ptr<redisReader, Free> reader_;
  std::size_t current_bytes_ = 0;  // of the reply that is being read, and what follows it
};

// Adds a command of these words to what is to be sent.
void appendRedisCommand(std::string& out, std::span<const std::string_view> words);

}  // namespace nimbus::keyvalue
