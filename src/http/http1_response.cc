#include "http/http1_response.h"

#include <algorithm>
#include <string>
#include <utility>

#include "http/connection.h"
#include "http/http1_serializer.h"

namespace nimbus::http {

void Http1Response::start(Version version, Method method, bool keep_alive) {
  version_ = version;
  method_ = method;
  keep_alive_ = keep_alive;
  stage_ = Stage::kNoHead;
  framing_ = Framing::kNone;
  status_ = 0;
  expected_ = 0;
  written_ = 0;
}

void Http1Response::sendHead(const ResponseHead& head, std::optional<std::uint64_t> length) {
  if (stage_ != Stage::kNoHead) return abort();
  if (head.status >= 100 && head.status < 200) return informational(head);
  if (refuseTooLarge()) {
    stage_ = Stage::kRefused;
  } else if (putHead(head, length)) {
    stage_ = Stage::kContent;
  } else {
    sendError(502, "invalid response head");
    stage_ = Stage::kRefused;
  }
}

// Whatever the handler makes of content that ends too early: the client shall know why.
bool Http1Response::refuseTooLarge() {
  const auto& error = request_body_.error();
  if (!error || error->code() != ErrorCode::kResourceExhausted) return false;
  keep_alive_ = false;
  sendError(413, error->message());
  return true;
}

// HTTP/1.0 has none, and a switch of protocols is not ours to make.
void Http1Response::informational(const ResponseHead& head) {
  if (version_ == Version::kHttp10 || head.status == 101) return;
  std::string& out = output_.text();
  const std::size_t before = out.size();
  appendStatusLine(out, head.status);
  if (!appendFields(out, head.headers).valid) {
    out.resize(before);
    return;
  }
  out.append("\r\n");
  output_.textAdded();
}

// False, and nothing is written, if the head must not be sent.
bool Http1Response::putHead(const ResponseHead& head, std::optional<std::uint64_t> length) {
  if (head.status < 200 || head.status > 599) return false;
  std::string& out = output_.text();
  const std::size_t before = out.size();
  appendStatusLine(out, head.status);
  const WrittenFields fields = appendFields(out, head.headers);
  const bool has_content = mayHaveContent(method_ == Method::kHead, head.status);
  const bool agreed = agreeOnLength(fields.content_length, has_content, length);
  if (!fields.valid || !agreed) {
    out.resize(before);
    return false;
  }
  chooseFraming(head.status, length);
  putConnectionFields(fields.has_date);
  status_ = head.status;
  output_.textAdded();
  return true;
}

// RFC 9112 6.3 and RFC 9110 8.6.
void Http1Response::chooseFraming(std::uint16_t status, std::optional<std::uint64_t> length) {
  std::string& out = output_.text();
  if (!mayHaveContent(method_ == Method::kHead, status)) {
    framing_ = Framing::kNone;
    if (length && status != 204) appendContentLength(out, *length);
  } else if (length) {
    framing_ = Framing::kLength;
    expected_ = *length;
    appendContentLength(out, *length);
  } else if (version_ == Version::kHttp11) {
    framing_ = Framing::kChunked;
    out.append("transfer-encoding: chunked\r\n");
  } else {
    framing_ = Framing::kUntilClose;
    keep_alive_ = false;
  }
}

void Http1Response::putConnectionFields(bool has_date) {
  std::string& out = output_.text();
  if (!has_date) appendField(out, "date", httpDate(shard_.now()));
  // Where the next request would begin is not known then.
  if (request_body_.awaitsContinue() || request_body_.error()) keep_alive_ = false;
  if (!keep_alive_) {
    out.append("connection: close\r\n");
  } else if (version_ == Version::kHttp10) {
    out.append("connection: keep-alive\r\n");
  }
  out.append("\r\n");
}

Result<void> Http1Response::peerState() const {
  if (output_.failed()) return fail(ErrorCode::kIo, "the client is gone");
  return {};
}

// Whether so much content may follow.
Result<void> Http1Response::admit(std::size_t bytes) {
  switch (stage_) {
    case Stage::kContent: break;
    case Stage::kNoHead: return fail(ErrorCode::kInternal, "content before the response's head");
    case Stage::kRefused: return fail(ErrorCode::kInvalidArgument, "the response was refused");
    case Stage::kDone: return fail(ErrorCode::kInternal, "content after the response's end");
    case Stage::kAborted: return fail(ErrorCode::kCancelled, "the response was given up");
  }
  TRY_VOID(peerState());
  if (framing_ == Framing::kLength && bytes > expected_ - written_) {
    abort();
    return fail(ErrorCode::kInvalidArgument, "more content than content-length says");
  }
  return {};
}

template <typename Piece>
void Http1Response::put(Piece piece) {
  written_ += piece.size();
  if (framing_ != Framing::kChunked) {
    output_.append(std::move(piece));
    return;
  }
  appendChunkSize(output_.text(), piece.size());
  output_.append(std::move(piece));
  output_.text().append("\r\n");
  output_.textAdded();
}

Task<Result<void>> Http1Response::write(Bytes bytes) {
  CO_TRY_VOID(admit(bytes.size()));
  if (bytes.empty() || framing_ == Framing::kNone) co_return Result<void>();
  put(std::move(bytes));
  if (output_.congested()) co_await output_.roomy();
  co_return peerState();
}

Task<Result<void>> Http1Response::write(ByteView bytes) {
  CO_TRY_VOID(admit(bytes.size()));
  if (framing_ == Framing::kNone) co_return Result<void>();
  const std::size_t most = std::max<std::size_t>(limits_.unsent_bytes_high_water, 16 * 1024);
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), most);
    put(bytes.first(count));
    bytes = bytes.subspan(count);
    if (output_.congested()) co_await output_.roomy();
    CO_TRY_VOID(peerState());
    // The response may have been given up meanwhile.
    if (stage_ != Stage::kContent) co_return fail(ErrorCode::kCancelled, "the response ended");
  }
  co_return Result<void>();
}

void Http1Response::sendWhole(const ResponseHead& head, ByteView content) {
  sendHead(head, content.size());
  if (stage_ != Stage::kContent) return;
  if (framing_ == Framing::kLength) {
    output_.append(content);
    written_ = content.size();
  }
  stage_ = Stage::kDone;
}

void Http1Response::finish(const Headers& trailers) {
  if (stage_ == Stage::kRefused) {
    stage_ = Stage::kDone;
    return;
  }
  if (stage_ != Stage::kContent) return;
  if (framing_ == Framing::kLength && written_ < expected_) return abort();
  if (framing_ == Framing::kChunked) {
    appendLastChunk(output_.text(), trailers);
    output_.textAdded();
  }
  stage_ = Stage::kDone;
}

void Http1Response::abort() {
  if (stage_ == Stage::kNoHead) {
    if (!refuseTooLarge()) sendError(502, "no response");
  } else if (stage_ == Stage::kContent) {
    stage_ = Stage::kAborted;
    keep_alive_ = false;
  }
}

void Http1Response::sendError(std::uint16_t status, std::string_view reason) {
  ResponseHead head;
  head.status = status;
  head.headers.add("content-type", "text/plain; charset=utf-8");
  std::string content(reason);
  content += '\n';
  putHead(head, content.size());
  if (framing_ == Framing::kLength) {
    output_.append(asBytes(content));
    written_ = content.size();
  }
  stage_ = Stage::kDone;
}

}  // namespace nimbus::http
