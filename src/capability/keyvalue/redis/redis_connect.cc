#include "capability/keyvalue/redis/redis_connect.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/files.h"
#include "base/race.h"
#include "net/socket.h"

namespace nimbus::keyvalue {
namespace {

using Connected = Result<std::unique_ptr<RedisWire>>;

constexpr std::size_t kMaxPasswordBytes = 64 << 10;
constexpr std::size_t kMaxAddresses = 8;  // of one name that are tried
// One that does not answer leaves time for the others; but none gets less.
constexpr Duration kLeastForAddress = std::chrono::milliseconds(500);

Error noConnectionWithin(Duration timeout) {
  return {ErrorCode::kUnavailable,
          fmt::format("no connection within {} ms",
                      std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count())};
}

template <typename T>
Task<void> store(Task<Result<T>> task, Result<T>& into) {
  into = co_await std::move(task);
}

template <typename T>
Task<Result<T>> within(net::Shard& shard, Duration timeout, Task<Result<T>> task) {
  Result<T> result = std::unexpected(noConnectionWithin(timeout));
  co_await withTimeout(store(std::move(task), result), shard.sleepFor(timeout));
  co_return result;
}

Task<Result<std::unique_ptr<net::Stream>>> openStream(net::Shard& shard, net::Resolver& resolver,
                                                      std::shared_ptr<const RedisTarget> target) {
  const RedisPlace& place = target->place;
  if (!place.unix_path.empty())
    co_return co_await net::connectTo(shard,
                                      {.address = {}, .port = 0, .unix_path = place.unix_path});
  CO_TRY(auto addresses, co_await resolver.resolve(place.host));
  if (addresses.size() > kMaxAddresses) addresses.resize(kMaxAddresses);
  Result<std::unique_ptr<net::Stream>> stream =
      fail(ErrorCode::kNotFound, inQuotes(place.host) + " has no address");
  const auto count = static_cast<Duration::rep>(std::max<std::size_t>(addresses.size(), 1));
  const Duration each = std::max(kLeastForAddress, target->options.connect_timeout / count);
  for (const net::IpAddress& address : addresses) {
    stream = co_await within(
        shard, each,
        net::connectTo(shard, {.address = address, .port = place.port, .unix_path = {}}));
    if (stream) break;
  }
  if (!stream || target->tls == nullptr) co_return std::move(stream);
  co_return co_await target->tls->connect(*std::move(stream), place.host, {});
}

// "WRONGPASS" of "WRONGPASS invalid username-password pair": some servers repeat in the rest what
// they were sent.
std::string_view codeOf(const RedisReply& error) {
  const std::string_view text = error.text.text();
  const std::string_view word = text.substr(0, text.find(' '));
  const bool is_code = !word.empty() && word.size() <= 32 &&
                       std::ranges::all_of(word, [](char c) { return c >= 'A' && c <= 'Z'; });
  return is_code ? word : "no reason given";
}

bool isError(const RedisReply& reply) { return reply.kind == RedisReply::Kind::kError; }

Result<std::optional<std::string>> passwordFor(const RedisTarget& target) {
  if (target.options.password_file.empty()) return target.place.password;
  TRY(std::string password, readFile(target.options.password_file, kMaxPasswordBytes));
  while (password.ends_with('\n') || password.ends_with('\r')) password.pop_back();
  return password;
}

Task<Result<void>> authenticate(RedisWire& wire, std::shared_ptr<const RedisTarget> target) {
  CO_TRY(const auto password, passwordFor(*target));
  if (!password) co_return Result<void>();
  std::vector<std::string> words = {"AUTH"};
  if (!target->place.user.empty()) words.push_back(target->place.user);
  words.push_back(*password);
  CO_TRY(const RedisReply reply, co_await wire.ask(std::move(words)));
  if (isError(reply))
    co_return fail(ErrorCode::kPermissionDenied,
                   fmt::format("the server refuses the password, or its user ({})", codeOf(reply)));
  co_return Result<void>();
}

Task<Result<void>> chooseDatabase(RedisWire& wire, std::uint32_t database) {
  if (database == 0) co_return Result<void>();
  CO_TRY(const RedisReply reply, co_await wire.ask({"SELECT", std::to_string(database)}));
  if (!isError(reply)) co_return Result<void>();
  if (codeOf(reply) == "NOAUTH")
    co_return fail(ErrorCode::kPermissionDenied, "the server asks for a password (NOAUTH)");
  co_return fail(ErrorCode::kInvalidArgument, fmt::format("database {} cannot be used ({})",
                                                          database, inQuotes(reply.text.text())));
}

// Whether commands are answered: a server that asks for a password, or that still loads its data,
// says so.
Task<Result<void>> checkService(RedisWire& wire) {
  CO_TRY(const RedisReply reply, co_await wire.ask({"PING"}));
  if (!isError(reply)) co_return Result<void>();
  const std::string_view code = codeOf(reply);
  // This user may do other things.
  if (code == "NOPERM") co_return Result<void>();
  if (code == "NOAUTH")
    co_return fail(ErrorCode::kPermissionDenied, "the server asks for a password (NOAUTH)");
  co_return fail(ErrorCode::kUnavailable,
                 fmt::format("the server refuses: {}", inQuotes(reply.text.text())));
}

Task<Connected> connect(net::Shard& shard, net::Resolver& resolver,
                        std::shared_ptr<const RedisTarget> target) {
  CO_TRY(auto stream, co_await openStream(shard, resolver, target));
  auto wire = std::make_unique<RedisWire>(std::move(stream));
  CO_TRY_VOID(co_await authenticate(*wire, target));
  CO_TRY_VOID(co_await chooseDatabase(*wire, target->place.database));
  CO_TRY_VOID(co_await checkService(*wire));
  co_return std::move(wire);
}

}  // namespace

Task<Connected> connectToRedis(net::Shard& shard, net::Resolver& resolver,
                               std::shared_ptr<const RedisTarget> target) {
  const Duration timeout = target->options.connect_timeout;
  co_return co_await within(shard, timeout, connect(shard, resolver, std::move(target)));
}

}  // namespace nimbus::keyvalue
