#include <cstdlib>

#include "capability/keyvalue/nats/nats_answers.h"
#include "capability/keyvalue/nats/nats_names.h"

// Whatever a server answers, it is an answer or an error; and a subject is that of its key alone.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nimbus;
  using namespace nimbus::keyvalue;
  const std::string_view text = asText({data, size});
  if (const auto stream = parseNatsStream(text))
    if (!natsStreamConfig(stream->config, 1, {})) std::abort();
  if (const auto entry = parseNatsMessage(text))
    if (entry->value && entry->sequence == 0) std::abort();
  if (const auto sequence = parseNatsStored(text, "KV_a"))
    if (*sequence == 0) std::abort();
  if (const auto consumer = parseNatsConsumer(text))
    if (consumer->find_first_of(".*> \r\n") != std::string::npos) std::abort();
  if (const auto some = parseNatsSubjects(text))
    if (some->some.size() > size) std::abort();
  static_cast<void>(parseNatsDone(text));

  const NatsBucketSubjects subjects("nimbus_k", "b");
  const NatsSubject subject = subjects.of(text);
  const auto header =
      subject.long_key.empty() ? std::nullopt : std::optional<std::string_view>(subject.long_key);
  if (subjects.keyAt(subject.text, header) != text) std::abort();
  const std::string found = "$KV.nimbus_k.b." + std::string(text);
  if (const auto key = subjects.keyAt(found, text))
    if (subjects.of(*key).text != found) std::abort();
  return 0;
}
