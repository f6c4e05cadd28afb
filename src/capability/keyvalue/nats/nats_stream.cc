#include "capability/keyvalue/nats/nats_stream.h"

#include <utility>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/text.h"

namespace nimbus::keyvalue {
namespace {

constexpr std::uint64_t kConsumerLifeNs = 60'000'000'000;

// {"key": text}
std::string objectOf(std::string_view key, std::string_view text) {
  std::string object = fmt::format("{{\"{}\":", key);
  appendJsonString(object, text);
  return object + "}";
}

Result<NatsEntry> entryOf(nats::Message message) {
  switch (message.status()) {
    case 0: break;
    case 404: return NatsEntry{};
    default:
      return fail(ErrorCode::kUnavailable,
                  fmt::format("the NATS server answers a read with status {}", message.status()));
  }
  const auto sequence = parseDecimal(message.header("Nats-Sequence").value_or(""));
  if (!sequence || *sequence == 0)
    return fail(ErrorCode::kProtocol, "the NATS server's answer to a read has no sequence");
  if (isNatsDeletion(message.header("KV-Operation").value_or("")))
    return NatsEntry{.value = {}, .sequence = *sequence};
  return NatsEntry{.value = std::move(message).takePayload(), .sequence = *sequence};
}

}  // namespace

Task<Result<nats::Message>> NatsStream::call(std::string_view operation,
                                             std::string payload) const {
  auto answer = co_await requests_->ask(fmt::format("$JS.API.{}.{}", operation, name_),
                                        Bytes::take(std::move(payload)));
  if (!answer && answer.error().code() == ErrorCode::kNotFound)
    co_return fail(ErrorCode::kUnavailable,
                   "the NATS server has no JetStream, at least not for us: start it with "
                   "--jetstream, or with jetstream {} in its configuration",
                   std::move(answer).error());
  co_return answer;
}

Task<Result<NatsStreamInfo>> NatsStream::info() const {
  CO_TRY(const nats::Message answer, co_await call("STREAM.INFO", {}));
  co_return parseNatsStream(asText(answer.payload()));
}

Task<Result<NatsSubjects>> NatsStream::subjects(std::string filter, std::uint64_t after) const {
  std::string request = fmt::format(R"({{"offset":{},"subjects_filter":)", after);
  appendJsonString(request, filter);
  CO_TRY(const nats::Message answer, co_await call("STREAM.INFO", request + "}"));
  co_return parseNatsSubjects(asText(answer.payload()));
}

Task<Result<NatsStreamInfo>> NatsStream::create(std::string config) const {
  CO_TRY(const nats::Message answer, co_await call("STREAM.CREATE", std::move(config)));
  co_return parseNatsStream(asText(answer.payload()));
}

Task<Result<NatsStreamInfo>> NatsStream::update(std::string config) const {
  CO_TRY(const nats::Message answer, co_await call("STREAM.UPDATE", std::move(config)));
  co_return parseNatsStream(asText(answer.payload()));
}

Task<Result<NatsEntry>> NatsStream::get(NatsReads reads, std::string subject) const {
  const std::string_view operation = reads == NatsReads::kDirect ? "DIRECT.GET" : "STREAM.MSG.GET";
  auto answer = co_await call(operation, objectOf("last_by_subj", subject));
  // Where there is no such stream, nobody answers a direct read, not even that.
  if (!answer && reads == NatsReads::kDirect && wasUnanswered(answer.error()) &&
      requests_->connection().connected()) {
    const auto found = co_await info();
    if (!found && found.error().code() == ErrorCode::kNotFound)
      co_return std::unexpected(found.error());
  }
  if (!answer) co_return std::unexpected(std::move(answer).error());
  if (reads == NatsReads::kDirect) co_return entryOf(*std::move(answer));
  co_return parseNatsMessage(asText(answer->payload()));
}

Task<Result<std::uint64_t>> NatsStream::put(NatsSubject subject, Bytes value,
                                            std::optional<std::uint64_t> expected) const {
  nats::Connection::Headers headers;
  if (!subject.long_key.empty())
    headers.emplace_back(kNatsLongKeyHeader, std::move(subject.long_key));
  if (expected)
    headers.emplace_back("Nats-Expected-Last-Subject-Sequence", std::to_string(*expected));
  CO_TRY(const nats::Message answer,
         co_await requests_->ask(std::move(subject.text), std::move(value), std::move(headers)));
  co_return parseNatsStored(asText(answer.payload()), name_);
}

Task<Result<void>> NatsStream::purge(std::string subject) const {
  CO_TRY(const nats::Message answer, co_await call("STREAM.PURGE", objectOf("filter", subject)));
  co_return parseNatsDone(asText(answer.payload()));
}

Task<Result<std::string>> NatsStream::createConsumer(std::string filter) const {
  std::string config = fmt::format(
      R"({{"stream_name":"{}","config":{{"deliver_policy":"last_per_subject","ack_policy":"none",)"
      R"("replay_policy":"instant","headers_only":true,"mem_storage":true,"num_replicas":1,)"
      R"("inactive_threshold":{},"filter_subject":)",
      name_, kConsumerLifeNs);
  appendJsonString(config, filter);
  config += "}}";
  CO_TRY(const nats::Message answer, co_await call("CONSUMER.CREATE", std::move(config)));
  co_return parseNatsConsumer(asText(answer.payload()));
}

std::string NatsStream::nextSubject(const std::string& consumer) const {
  return fmt::format("$JS.API.CONSUMER.MSG.NEXT.{}.{}", name_, consumer);
}

std::string NatsStream::deletionSubject(const std::string& consumer) const {
  return fmt::format("$JS.API.CONSUMER.DELETE.{}.{}", name_, consumer);
}

}  // namespace nimbus::keyvalue
