// Differential fuzzing of the HTTP/1 parser against Boost.Beast: what ours accepts, Beast must
// accept too, with the same method, target, authority, fields, framing, content, end, and life of
// the connection. (The reverse need not hold: ours is stricter.) And however the bytes are cut into
// pieces, the result must be the same.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "http/http1_body_decoder.h"
#include "http/http1_fuzz_support.h"
#include "http/http1_parser.h"

namespace nimbus::http {
namespace {

Message readOurs(std::string_view text, std::string_view plan) {
  Message message;
  RequestHead head;
  RequestParser parser({}, head);
  BodyDecoder decoder({});
  parser.start();
  feedInPieces(text, plan, [&](std::string_view piece) {
    return feedMessage(message, parser, decoder, piece,
                       [&] {
                         message.method = head.method;
                         message.authority = head.authority;
                         message.path = head.path;
                         message.version = head.version;
                         headDone(message, parser.control(), decoder, head.headers);
                       })
        .empty();
  });
  return message;
}

// Beast keeps absolute targets as they are. Their authority counts, not that of `host` (RFC 9112
// 3.2.2); an empty path is "/" (RFC 9110 4.2.3), or "*" of OPTIONS if there is no query either
// (RFC 9112 3.2.4). Cut as RFC 3986 appendix B does it, not as the parser does.
void resolveTarget(Message& theirs) {
  const std::string_view target = theirs.path;
  if (target.starts_with('/') || target == "*") return;
  const std::size_t scheme = target.find_first_of(":/?#");
  if (scheme == std::string_view::npos || !target.substr(scheme).starts_with("://")) return;
  const std::string_view name = target.substr(0, scheme);
  if (!equalsIgnoringCase(name, "http") && !equalsIgnoringCase(name, "https")) return;
  std::string_view rest = target.substr(scheme + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  rest.remove_prefix(authority.size());
  const std::string_view path = rest.substr(0, rest.find_first_of("?#"));
  rest.remove_prefix(path.size());
  const bool of_server = theirs.method == "OPTIONS" && path.empty() && rest.empty();
  const std::string_view whole_path = of_server ? "*" : path.empty() ? "/" : path;
  theirs.authority = authority;
  theirs.path = std::string(whole_path) + std::string(rest);
}

// Beast refuses minor versions that it does not know, which ours reads as HTTP/1.1 (RFC 9110 2.5).
std::string inVersionOfBeast(std::string_view request) {
  std::string text(request);
  const std::size_t line_end = text.find("\r\n");
  if (line_end == std::string::npos || line_end == 0) return text;
  char& minor = text[line_end - 1];
  if (minor > '1' && minor <= '9') minor = '1';
  return text;
}

void testOne(std::string_view text) {
  // Message after message, as on a connection.
  for (int i = 0; i < 8 && !text.empty(); ++i) {
    const Message whole = readOurs(text, {});
    for (const std::string_view plan : {"1", "7"}) comparePieces(whole, readOurs(text, plan));
    if (whole.head != ParseState::kDone) return;
    // An empty line before the request is ours to tolerate (RFC 9112 2.2).
    const std::size_t skipped = text.starts_with("\r\n") ? 2 : 0;
    const std::string request = inVersionOfBeast(text.substr(skipped));
    Message theirs = readByBeast<true>(request, whole.complete(), false);
    theirs.used += skipped;
    resolveTarget(theirs);
    compareWithBeast(whole, std::move(theirs));
    if (!whole.complete()) return;
    text.remove_prefix(whole.used);
  }
}

}  // namespace
}  // namespace nimbus::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nimbus::http::testOne({reinterpret_cast<const char*>(data), size});
  return 0;
}
