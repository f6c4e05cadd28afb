#include "capability/keyvalue/redis/redis_scripts.h"

#include <openssl/evp.h>

#include <array>

#include <fmt/format.h>

#include "base/check.h"
#include "capability/keyvalue/limits.h"

namespace nimbus::keyvalue {
namespace {

static_assert(kEntryOverheadBytes == 128);  // as the scripts have it

// What the scripts that change a bucket begin with. Numbers of Lua are exact up to 2^53, which is
// more bytes and more keys than a server holds.
//
// A key that is in the index has been counted, and no other one: others may have put values into
// the hash, which neither stand in the index nor count. counted() fails if others have made keys of
// the server that are something else: before anything is written.
constexpr std::string_view kAccounting = R"lua(
local values, index, usage = KEYS[1], KEYS[2], KEYS[3]
local function cost(key, bytes) return #key + bytes + 128 end
local function counted(key)
  local bytes = redis.call('HSTRLEN', values, key)
  if not redis.call('ZSCORE', index, key) then return nil end
  return cost(key, bytes)
end
local function usageOf(field) return tonumber(redis.call('HGET', usage, field) or '0') or 0 end
local function whole(number) return string.format('%.0f', math.max(number, 0)) end
-- Who is above a quota may still shrink.
local function account(new_bytes, old_bytes, new_keys)
  local had = usageOf('bytes')
  local bytes = had + new_bytes - old_bytes
  local keys = usageOf('keys') + new_keys
  local max_bytes, max_keys = tonumber(ARGV[1]), tonumber(ARGV[2])
  if max_keys and keys > max_keys and new_keys > 0 then return 2 end
  if max_bytes and bytes > max_bytes and bytes > had then return 1 end
  redis.call('HSET', usage, 'bytes', whole(bytes))
  redis.call('HSET', usage, 'keys', whole(keys))
  return 0
end
local function put(key, value, is_new)
  redis.call('HSET', values, key, value)
  if is_new then
    redis.call('ZADD', index, redis.call('HINCRBY', usage, 'last', 1), key)
  end
end
)lua";

constexpr std::string_view kSet = R"lua(
local last, order = {}, {}
for i = 3, #ARGV, 2 do
  if not last[ARGV[i]] then order[#order + 1] = ARGV[i] end
  last[ARGV[i]] = i + 1
end
local new_bytes, old_bytes, new_keys, is_new = 0, 0, 0, {}
for _, key in ipairs(order) do
  local old = counted(key)
  new_bytes = new_bytes + cost(key, #ARGV[last[key]])
  if old then
    old_bytes = old_bytes + old
  else
    new_keys = new_keys + 1
    is_new[key] = true
  end
end
local refused = account(new_bytes, old_bytes, new_keys)
if refused ~= 0 then return refused end
for _, key in ipairs(order) do put(key, ARGV[last[key]], is_new[key]) end
return 0
)lua";

// Sums have up to 20 digits, and numbers of Lua are exact up to 15: so the last ten digits are
// added on their own.
constexpr std::string_view kIncrement = R"lua(
local key = ARGV[3]
local stored = redis.call('HGET', values, key) or '0'
if not string.find(stored, '^%d+$') then return 3 end
local digits = string.gsub(stored, '^0+', '')
if #digits > 20 then return 3 end
local function parts(text)
  local low = string.sub(text, -10)
  local high = string.sub(text, 1, -11)
  return tonumber(high) or 0, tonumber(low) or 0
end
local limit_high, limit_low = 1844674407, 3709551615
local high, low = parts(digits)
if high > limit_high or (high == limit_high and low > limit_low) then return 3 end
local add_high, add_low = parts(ARGV[4])
high, low = high + add_high, low + add_low
if low >= 1e10 then high, low = high + 1, low - 1e10 end
if high > limit_high or (high == limit_high and low > limit_low) then return 4 end
local sum
if high > 0 then
  sum = string.format('%.0f%010.0f', high, low)
else
  sum = string.format('%.0f', low)
end
local old = counted(key)
local refused = account(cost(key, #sum), old or 0, old and 0 or 1)
if refused ~= 0 then return refused end
put(key, sum, not old)
return sum
)lua";

constexpr std::string_view kRemove = R"lua(
local values, index, usage = KEYS[1], KEYS[2], KEYS[3]
local function usageOf(field) return tonumber(redis.call('HGET', usage, field) or '0') or 0 end
local had_bytes, had_keys = usageOf('bytes'), usageOf('keys')
local bytes, keys = 0, 0
for _, key in ipairs(ARGV) do
  local size = redis.call('HSTRLEN', values, key)
  if redis.call('ZSCORE', index, key) then
    redis.call('ZREM', index, key)
    bytes = bytes + #key + size + 128
    keys = keys + 1
  end
  redis.call('HDEL', values, key)
end
if keys > 0 then
  redis.call('HSET', usage, 'bytes', string.format('%.0f', math.max(had_bytes - bytes, 0)))
  redis.call('HSET', usage, 'keys', string.format('%.0f', math.max(had_keys - keys, 0)))
end
return 0
)lua";

// unpack() takes some thousand values at most.
constexpr std::string_view kGetMany = R"lua(
local bytes = 0
for i = 2, #ARGV do
  bytes = bytes + redis.call('HSTRLEN', KEYS[1], ARGV[i])
end
if bytes > tonumber(ARGV[1]) then return 5 end
local found = {}
for i = 2, #ARGV do
  found[i - 1] = redis.call('HGET', KEYS[1], ARGV[i])
end
return found
)lua";

constexpr std::string_view kOpen = R"lua(
if redis.call('SISMEMBER', KEYS[1], ARGV[2]) == 1 then return 0 end
if redis.call('SCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 2 end
redis.call('SADD', KEYS[1], ARGV[2])
return 0
)lua";

std::string sha1Of(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const bool done =
      EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) == 1;
  NIMBUS_CHECK(done);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

}  // namespace

RedisScript::RedisScript(std::string_view text) : text_(text), digest_(sha1Of(text)) {}

const RedisScript& redisSetScript() {
  static const RedisScript script(std::string(kAccounting) + std::string(kSet));
  return script;
}

const RedisScript& redisIncrementScript() {
  static const RedisScript script(std::string(kAccounting) + std::string(kIncrement));
  return script;
}

const RedisScript& redisRemoveScript() {
  static const RedisScript script(kRemove);
  return script;
}

const RedisScript& redisGetManyScript() {
  static const RedisScript script(kGetMany);
  return script;
}

const RedisScript& redisOpenScript() {
  static const RedisScript script(kOpen);
  return script;
}

}  // namespace nimbus::keyvalue
