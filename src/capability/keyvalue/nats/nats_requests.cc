#include "capability/keyvalue/nats/nats_requests.h"

#include <latch>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/escape.h"

namespace nimbus::keyvalue {
namespace {

constexpr std::size_t kMaxRequestsPerShard = 4096;
// Half of what the connection takes before it refuses: values of many calls come in bursts.
constexpr std::size_t kMuchToWrite = 8 << 20;

Error ofRequest(Error error, const std::string& subject, Duration timeout) {
  if (error.code() == ErrorCode::kDeadlineExceeded)
    return {ErrorCode::kUnavailable,
            fmt::format("the NATS server did not answer a request to {} within {} ms",
                        inQuotes(subject),
                        std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count()),
            std::move(error)};
  if (error.code() == ErrorCode::kResourceExhausted)
    return {ErrorCode::kUnavailable, "too many requests to NATS at once", std::move(error)};
  return error;
}

}  // namespace

bool wasUnanswered(const Error& error) {
  return error.code() == ErrorCode::kUnavailable && error.cause() != nullptr &&
         error.cause()->code() == ErrorCode::kDeadlineExceeded;
}

NatsRequests::NatsRequests(std::shared_ptr<nats::Connection> connection, Duration timeout)
    : connection_(std::move(connection)), timeout_(timeout) {}

NatsRequests::~NatsRequests() {
  net::Shard* const here = net::Shard::current();
  std::latch given_back(static_cast<std::ptrdiff_t>(slots_.size()));
  for (auto& [of, slots] : slots_) {
    net::Shard& shard = slots->shard();
    if (&shard == here) {
      slots = nullptr;
    } else if (here != nullptr) {
      // A shard waits for no other.
      shard.post([slots = std::move(slots)] {});
    } else {
      shard.post([slots = std::move(slots), &given_back]() mutable {
        slots = nullptr;
        given_back.count_down();
      });
    }
  }
  if (here == nullptr) given_back.wait();
}

std::shared_ptr<nats::ReplySlots> NatsRequests::slotsOf(net::Shard& shard) {
  const std::lock_guard lock(mutex_);
  auto& slots = slots_[&shard];
  if (slots == nullptr)
    slots = std::make_shared<nats::ReplySlots>(connection_, shard, kMaxRequestsPerShard);
  return slots;
}

Task<Result<nats::Message>> NatsRequests::ask(std::string subject, Bytes payload,
                                              nats::Connection::Headers headers) {
  net::Shard& shard = *net::Shard::current();
  const TimePoint begin = std::chrono::steady_clock::now();
  const TimePoint deadline = shard.now() + timeout_;
  while (connection_->connected() && connection_->bufferedBytes() > kMuchToWrite) {
    if (shard.now() >= deadline)
      co_return fail(ErrorCode::kUnavailable, "the NATS server does not take what is sent");
    co_await shard.sleepFor(std::chrono::milliseconds(1));
  }
  auto answer = co_await nats::request(slotsOf(shard), subject, std::move(payload),
                                       deadline - shard.now(), std::move(headers));
  if (!answer && connection_->wasForbidden(subject, begin))
    co_return fail(ErrorCode::kPermissionDenied,
                   fmt::format("the NATS server does not let us publish to {}", inQuotes(subject)));
  if (!answer) co_return std::unexpected(ofRequest(std::move(answer).error(), subject, timeout_));
  co_return std::move(*answer);
}

}  // namespace nimbus::keyvalue
