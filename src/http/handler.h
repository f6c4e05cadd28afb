#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"
#include "http/message.h"
#include "net/shard.h"
#include "net/stream.h"

namespace nimbus::http {

// That there is no response of the application's, and what stands in for it.
struct Failure {
  std::uint16_t status;
  std::string text;
  // To those who get no response instead: a case of wasi:http/types.error-code.
  std::string error_code = "internal-error";
  bool retry_soon = false;
};

// Makes `length`, that of the content if it is known, what a response announces, given what its
// content-length field says. False: they contradict each other. Where there is no content the field
// speaks of that of a GET (RFC 9110 8.6), of which none having been written says nothing.
[[nodiscard]] constexpr bool agreeOnLength(const std::optional<std::uint64_t>& named,
                                           bool has_content, std::optional<std::uint64_t>& length) {
  if (has_content && named && length && *named != *length) return false;
  if (!has_content && length == 0) length.reset();
  if (named) length = named;
  return true;
}

// Where a handler writes its response: sendHead(), any number of write(), then finish(). The
// connection adds framing, `date` and `connection` fields, drops content of responses that must
// not have any (HEAD, 204, 304), and checks that a content-length given in the head is met.
class ResponseWriter {
 public:
  virtual ~ResponseWriter() = default;

  // Once. `length`: of the whole content if known; lets HTTP/1.1 avoid chunks. An informational
  // (1xx) head may come before.
  virtual void sendHead(const ResponseHead& head, std::optional<std::uint64_t> length) = 0;

  // Adds content. Completes at once while little is unsent, otherwise when the peer has taken
  // enough. Errors mean that the peer is gone: stop.
  [[nodiscard]] virtual Task<Result<void>> write(Bytes bytes) = 0;
  // The same for bytes that are borrowed until the task completes.
  [[nodiscard]] virtual Task<Result<void>> write(ByteView bytes) = 0;

  // Head, content and end of a small response at once. The content is copied; nothing waits, so
  // keep it small. Must be the only call for this response.
  virtual void sendWhole(const ResponseHead& head, ByteView content);

  // A small response at once that says so. Must be the only call for this response.
  virtual void sendFailure(const Failure& failure);

  // Ends the content; `trailers` may be empty.
  virtual void finish(const Headers& trailers) = 0;

  // The response cannot be completed: HTTP/1.1 closes the connection in the middle, HTTP/2 resets
  // the stream, so that the client sees a truncated response as such. Before sendHead() the
  // connection answers 502.
  virtual void abort() = 0;

  [[nodiscard]] virtual bool headSent() const = 0;
};

// One request to answer.
struct ServerRequest {
  RequestHead head;
  BodyReader* body = nullptr;           // lives as long as the handler's task
  const net::PeerInfo* peer = nullptr;  // lives as long as the handler's task
};

// Answers requests. One object serves all connections of one shard. The task is destroyed when the
// client vanishes (connection lost, stream reset), which cancels the work; a task that ends
// without a response becomes a 500. What is left of the body unread afterwards is drained within
// a bound, or the connection closed.
class Handler {
 public:
  virtual ~Handler() = default;
  [[nodiscard]] virtual Task<void> handle(ServerRequest& request, ResponseWriter& response) = 0;
};

// Sends a complete small response: head, text/plain content, end.
void sendText(ResponseWriter& response, std::uint16_t status, std::string_view text,
              const Headers& extra = {});

}  // namespace nimbus::http
