#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"
#include "http/headers.h"

namespace nimbus::http {

enum class Version { kHttp10, kHttp11, kHttp2 };
enum class Scheme { kHttp, kHttps };

// The head of a request as the peer meant it, whichever version carried it. Connection-level
// fields (connection, transfer-encoding, keep-alive, upgrade, …) are not in `headers`; `host` is
// kept out too and given as `authority`.
struct RequestHead {
  std::string method;
  Scheme scheme = Scheme::kHttp;
  std::string authority;  // host[:port], as the client sent it
  std::string path;       // origin form: "/path?query", or "*" for OPTIONS
  Headers headers;
  Version version = Version::kHttp11;
};

struct ResponseHead {
  std::uint16_t status = 200;
  Headers headers;
};

// Whether a response has content (RFC 9110 6.4.1).
[[nodiscard]] constexpr bool mayHaveContent(bool answers_head, std::uint16_t status) {
  return !answers_head && status >= 200 && status != 204 && status != 304;
}

// The content of a message, pulled piece by piece. Pulling is what moves the peer's window
// (HTTP/2) or lets the socket be read (HTTP/1), so a slow consumer slows its peer and no more than
// a bounded read-ahead is held in memory.
class BodyReader {
 public:
  BodyReader() = default;
  BodyReader(const BodyReader&) = delete;
  BodyReader& operator=(const BodyReader&) = delete;
  virtual ~BodyReader() = default;

  // The next piece, never empty; or nothing at the end, and then trailers() holds what came after
  // the content. Errors: kProtocol (framing), kResourceExhausted (too large), kCancelled and
  // kIo (the peer went away), kDeadlineExceeded (the peer sends too slowly).
  [[nodiscard]] virtual Task<Result<std::optional<Bytes>>> read() = 0;

  // True if there is no content at all, known from the head.
  [[nodiscard]] virtual bool empty() const = 0;
  // The length the head announced, if it did.
  [[nodiscard]] virtual std::optional<std::uint64_t> length() const = 0;
  [[nodiscard]] virtual const Headers& trailers() const = 0;
};

}  // namespace nimbus::http
