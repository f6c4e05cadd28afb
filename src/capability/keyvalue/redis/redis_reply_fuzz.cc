// Whatever a Redis server sends is read in bounds, wherever it is cut, and means something to a
// bucket or is refused. So is whatever stands where its URL is expected.
#include <algorithm>
#include <cstdint>

#include "base/check.h"
#include "capability/keyvalue/redis/redis_answers.h"
#include "capability/keyvalue/redis/redis_place.h"
#include "capability/keyvalue/redis/redis_protocol.h"

namespace {

namespace kv = nimbus::keyvalue;

constexpr kv::RedisReplyLimits kLimits = {.bytes = 4096, .elements = 32};

std::size_t elementsOf(const kv::RedisReply& reply) {
  std::size_t count = reply.list.size();
  for (const kv::RedisReply& item : reply.list) count += elementsOf(item);
  return count;
}

void answer(const kv::RedisReply& reply) {
  NIMBUS_CHECK_OP(elementsOf(reply), <=, kLimits.elements);
  (void)kv::redisValue(reply);
  (void)kv::redisTruth(reply);
  (void)kv::redisDone(reply, {});
  (void)kv::redisSum(reply, {});
  (void)kv::redisPage(reply);
  if (const auto values = kv::redisValues(reply, 2)) NIMBUS_CHECK_OP(values->size(), ==, 2U);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const nimbus::ByteView all(data, size);
  if (const auto place = kv::RedisPlace::parse(nimbus::asText(all)))
    NIMBUS_CHECK(kv::RedisPlace::parse(place->describe()).has_value());
  // The first byte says in pieces of what size the rest arrives.
  if (all.empty()) return 0;
  const std::size_t piece = std::size_t{all.front()} + 1;
  kv::RedisReader reader;
  for (nimbus::ByteView rest = all.subspan(1); !rest.empty();) {
    const nimbus::ByteView part = rest.first(std::min(piece, rest.size()));
    rest = rest.subspan(part.size());
    reader.feed(part);
    while (true) {
      const auto reply = reader.next(kLimits);
      if (!reply) return 0;
      if (!*reply) break;
      answer(**reply);
    }
  }
  return 0;
}
