#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace nimbus::http {

// Where a request goes.
struct ClientTarget {
  std::string host;  // a name, or an address without brackets
  std::uint16_t port = 0;
};

// Splits host[:port]; the scheme's port otherwise. kInvalidArgument names what is wrong.
[[nodiscard]] Result<ClientTarget> parseTarget(Scheme scheme, std::string_view authority);

// How the content of a request is delimited.
struct RequestFraming {
  enum class Kind { kNone, kLength, kStreamed };  // streamed: chunks, or DATA until END_STREAM
  Kind kind = Kind::kNone;
  std::uint64_t length = 0;  // kLength
};

// Checks what a guest has filled in, so that nothing of it can be read as something else by the
// peer (request splitting), and that content-length and body agree.
[[nodiscard]] Result<RequestFraming> checkRequest(const RequestHead& head, const BodyReader* body);

// RFC 9110 9.2.2: may be sent again when nobody knows whether it was processed.
[[nodiscard]] bool isIdempotent(std::string_view method);
// content-type begins with application/grpc: such requests need HTTP/2.
[[nodiscard]] bool isGrpc(const RequestHead& head);
[[nodiscard]] bool expectsContinue(const RequestHead& head);

// The head as HTTP/1.1 carries it. The request was checked.
void appendRequestHead(std::string& out, const RequestHead& head, const RequestFraming& framing);

}  // namespace nimbus::http
