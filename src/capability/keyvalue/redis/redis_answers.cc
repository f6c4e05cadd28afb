#include "capability/keyvalue/redis/redis_answers.h"

#include <array>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/text.h"
#include "base/utf8.h"
#include "capability/keyvalue/page_builder.h"
#include "capability/keyvalue/redis/redis_scripts.h"

namespace nimbus::keyvalue {
namespace {

using Kind = RedisReply::Kind;

constexpr std::array<std::string_view, 3> kForbidden = {"NOPERM", "NOAUTH", "WRONGPASS"};
constexpr std::array<std::string_view, 8> kNotNow = {
    "LOADING", "BUSY", "NOREPLICAS", "MISCONF", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK"};

bool isOfReplica(std::string_view text) {
  return text.starts_with("READONLY") || text.starts_with("MASTERDOWN") ||
         text.contains("READONLY You can't write") || text.contains("MASTERDOWN Link with MASTER");
}

ErrorCode codeOf(std::string_view text) {
  const std::string_view word = text.substr(0, text.find(' '));
  if (isOneOf(kForbidden, word)) return ErrorCode::kPermissionDenied;
  // Errors within a script: servers before 7 put the code behind words of their own, and those
  // since 7 have none for what a user may not do.
  if (text.contains("The user executing the script can't")) return ErrorCode::kPermissionDenied;
  if (word == "OOM" || text.contains("OOM command not allowed"))
    return ErrorCode::kResourceExhausted;
  if (isOfReplica(text)) return ErrorCode::kUnavailable;
  return isOneOf(kNotNow, word) ? ErrorCode::kUnavailable : ErrorCode::kIo;
}

// The error of a reply that is not what was wanted.
std::unexpected<Error> refusal(const RedisReply& reply) {
  if (reply.kind != Kind::kError)
    return fail(ErrorCode::kProtocol, "the Redis server gave a reply to something else");
  const std::string_view text = reply.text.text();
  return fail(codeOf(text), fmt::format("the Redis server refuses: {}", inQuotes(text)));
}

Result<void> failed(std::int64_t answer, const Quota& quota) {
  switch (answer) {
    case kRedisTooManyBytes: return failQuota("bytes", quota.max_bytes.value_or(0));
    case kRedisTooManyKeys: return failQuota("keys", quota.max_keys.value_or(0));
    case kRedisNoNumber:
      return fail(ErrorCode::kInvalidArgument, "the value is not a decimal number");
    case kRedisBeyond64Bits:
      return fail(ErrorCode::kInvalidArgument, "the counter would exceed 64 bits");
    default: return fail(ErrorCode::kProtocol, "the Redis server gave a reply to something else");
  }
}

}  // namespace

Result<std::optional<Bytes>> redisValue(RedisReply reply) {
  if (reply.kind == Kind::kNothing) return std::nullopt;
  if (reply.kind != Kind::kText) return refusal(reply);
  if (reply.text.size() > kMaxValueBytes)
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("the value has {} bytes; at most {} can be read", reply.text.size(),
                            kMaxValueBytes));
  return std::move(reply.text);
}

bool isFromRedisReplica(const RedisReply& reply) {
  return reply.kind == Kind::kError && isOfReplica(reply.text.text());
}

Result<bool> redisTruth(const RedisReply& reply) {
  if (reply.kind != Kind::kNumber) return refusal(reply);
  return reply.number != 0;
}

Result<void> redisDone(const RedisReply& reply, const Quota& quota) {
  if (reply.kind != Kind::kNumber) return refusal(reply);
  if (reply.number == kRedisDone) return {};
  return failed(reply.number, quota);
}

Result<std::uint64_t> redisSum(const RedisReply& reply, const Quota& quota) {
  if (reply.kind == Kind::kNumber) {
    TRY_VOID(failed(reply.number, quota));
  }
  if (reply.kind != Kind::kText) return refusal(reply);
  if (const auto sum = parseDecimal(reply.text.text())) return *sum;
  return fail(ErrorCode::kProtocol, "the Redis server gave a sum that is no number");
}

Result<Values> redisValues(RedisReply reply, std::size_t wanted) {
  if (reply.kind == Kind::kNumber && reply.number == kRedisTooLargeResult) return failBatchResult();
  if (reply.kind != Kind::kList) return refusal(reply);
  if (reply.list.size() != wanted)
    return fail(ErrorCode::kProtocol, "the Redis server gave another number of values");
  Values values;
  values.reserve(wanted);
  for (RedisReply& item : reply.list) {
    TRY(auto value, redisValue(std::move(item)));
    values.push_back(std::move(value));
  }
  return values;
}

Result<KeyPage> redisPage(const RedisReply& reply) {
  if (reply.kind != Kind::kList) return refusal(reply);
  const auto& items = reply.list;
  PageBuilder page;
  std::uint64_t last = 0;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    const std::string_view key = items[i].text.text();
    const auto number = parseDecimal(items[i + 1].text.text());
    if (!number || *number <= last || *number > kRedisMaxNumber)
      return fail(ErrorCode::kIo, "the index of the bucket is damaged");
    const bool is_key = key.size() <= kMaxKeyBytes && isUtf8(asBytes(key));
    if (is_key && !page.take(std::string(key))) return page.finish(last);
    last = *number;
  }
  if (items.size() < 2 * kRedisPageKeys) return page.finish(std::nullopt);
  return page.finish(last);
}

}  // namespace nimbus::keyvalue
