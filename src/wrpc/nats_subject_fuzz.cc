#include <cstdlib>

#include "base/bytes.h"
#include "wrpc/nats_subject.h"

// Whatever a peer calls its subject: either it means nothing, or it is the one spelling of what it
// means.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nimbus;
  using namespace nimbus::wrpc;
  const std::string_view text = asText({data, size});
  if (const auto received = parseReceived(text, "params", 32)) {
    if (received->path.size() > 32) std::abort();
    const std::string again = received->kind == ReceivedSubject::Kind::kHandshake
                                  ? std::string()
                                  : channelSubject(".params", received->path);
    if (again != text) std::abort();
  }
  if (const auto subject = invocationSubject("", {{}, text})) {
    if (*subject != "wrpc.0.0.1." + std::string(text)) std::abort();
    if (text.find_first_of("*> \r\n\t") != std::string_view::npos) std::abort();
  }
  return 0;
}
