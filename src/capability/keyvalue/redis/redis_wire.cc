#include "capability/keyvalue/redis/redis_wire.h"

#include <utility>

namespace nimbus::keyvalue {
namespace {

constexpr std::size_t kReadBytes = 64 << 10;

}  // namespace

RedisWire::RedisWire(std::unique_ptr<net::Stream> stream)
    : stream_(std::move(stream)), buffer_(kReadBytes) {}

Task<Result<void>> RedisWire::fill() {
  CO_TRY(const std::size_t count, co_await stream_->read(buffer_));
  if (count == 0) co_return fail(ErrorCode::kUnavailable, "the server has closed the connection");
  reader_.feed(ByteView(buffer_).first(count));
  co_return Result<void>();
}

Task<Result<void>> RedisWire::send(std::string commands) {
  co_return co_await stream_->writeAll(asBytes(commands));
}

Task<Result<RedisReply>> RedisWire::ask(std::vector<std::string> words) {
  const std::vector<std::string_view> views(words.begin(), words.end());
  std::string command;
  appendRedisCommand(command, views);
  CO_TRY_VOID(co_await send(std::move(command)));
  while (true) {
    CO_TRY(auto reply, next(RedisReplyLimits()));
    if (reply) co_return *std::move(reply);
    CO_TRY_VOID(co_await fill());
  }
}

}  // namespace nimbus::keyvalue
