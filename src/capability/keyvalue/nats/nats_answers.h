#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace nimbus::keyvalue {

// What a server's JetStream answers, in JSON. The texts come from outside and are taken for
// nothing: whatever is not as expected is kProtocol.
//
// A refusal of the server is an Error with what it says: kNotFound (no such stream, message or
// consumer), kAlreadyExists (a stream that differs, a message that is not the last one any more),
// kResourceExhausted (a limit), kPermissionDenied, kUnavailable (now, or without JetStream), else
// kIo.

// A stream, as the server describes it.
struct NatsStreamInfo {
  std::string config;  // JSON, for an update of it
  std::vector<std::string> subjects;
  std::optional<std::uint64_t> max_messages;
  std::optional<std::uint64_t> max_bytes;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  // Whether there is one copy, which answers for itself.
  bool is_read_directly = false;
};
[[nodiscard]] Result<NatsStreamInfo> parseNatsStream(std::string_view text);

// Subjects at which a stream has messages: some of so many, as a server gives at once.
struct NatsSubjects {
  std::vector<std::string> some;
  std::uint64_t total = 0;
};
// Of STREAM.INFO that was asked for them.
[[nodiscard]] Result<NatsSubjects> parseNatsSubjects(std::string_view text);

// The configuration of a stream for a keyspace, whose plain name becomes its description.
struct NatsStreamOptions {
  std::string name;
  std::string subjects;
  std::string_view keyspace;
  std::size_t replicas = 1;
  std::string_view storage = "file";  // or "memory"
  std::optional<std::uint64_t> max_messages;
  std::optional<std::uint64_t> max_bytes;
};
[[nodiscard]] std::string natsStreamConfig(const NatsStreamOptions& options);
// `config` of a NatsStreamInfo with other limits.
[[nodiscard]] Result<std::string> natsStreamConfig(std::string_view config,
                                                   std::optional<std::uint64_t> max_messages,
                                                   std::optional<std::uint64_t> max_bytes);

// The last message at a subject. Without a value, others have deleted the key and left a mark.
struct NatsEntry {
  std::optional<Bytes> value;
  std::uint64_t sequence = 0;  // 0: there is none
};
// Of STREAM.MSG.GET; kNotFound only if there is no such stream.
[[nodiscard]] Result<NatsEntry> parseNatsMessage(std::string_view text);
// Whether a header KV-Operation marks a key as deleted.
[[nodiscard]] bool isNatsDeletion(std::string_view operation);

// The sequence that a message was stored at.
[[nodiscard]] Result<std::uint64_t> parseNatsStored(std::string_view text, std::string_view stream);
// The name of the consumer that was made.
[[nodiscard]] Result<std::string> parseNatsConsumer(std::string_view text);
// Of what has nothing more to tell.
[[nodiscard]] Result<void> parseNatsDone(std::string_view text);

}  // namespace nimbus::keyvalue
