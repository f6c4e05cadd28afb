#include "http/http1_client.h"

#include <algorithm>
#include <string>
#include <utility>

#include "http/http1_serializer.h"

namespace nimbus::http {
namespace {

// RFC 9110 10.1.1: servers that do not know the expectation never answer it.
constexpr Duration kContinueWait = std::chrono::seconds(1);

// What a parser says about a head that is too large (RFC 6585 5).
constexpr std::uint16_t kHeadTooLarge = 431;

// Pieces up to this size are sent together with their framing.
constexpr std::size_t kCopyBytes = 16 * 1024;

// A piece of a response's content of at least this size is handed out by itself; smaller ones are
// joined.
constexpr std::size_t kLargePiece = 4 * 1024;

HeadLimits headLimits(std::size_t max_header_bytes) {
  return {.max_start_line_bytes = 16 * 1024,
          .max_header_bytes = max_header_bytes,
          .max_header_count = 256};
}

struct Decoded {
  Bytes content;
  std::size_t consumed;  // of the input
};

// What there is of the content, or its first large piece: a server may send chunks of one byte.
Decoded decode(BodyDecoder& decoder, std::string_view input) {
  std::size_t consumed = 0;
  std::string_view first;
  std::string joined;
  while (consumed < input.size() && decoder.state() == ParseState::kMore &&
         std::max(first.size(), joined.size()) < kLargePiece) {
    const BodyDecoder::Piece piece = decoder.feed(input.substr(consumed));
    consumed += piece.consumed;
    if (first.empty()) {
      first = piece.content;
    } else if (!piece.content.empty()) {
      if (joined.empty()) joined = first;
      joined += piece.content;
    }
  }
  return {joined.empty() ? Bytes::copyOf(first) : Bytes::take(std::move(joined)), consumed};
}

}  // namespace

Http1Exchange::Http1Exchange(net::Shard& shard, Http1Connection connection,
                             std::size_t max_header_bytes, Done done)
    : shard_(shard),
      connection_(std::move(connection)),
      done_(std::move(done)),
      parser_(headLimits(max_header_bytes), head_),
      decoder_(headLimits(max_header_bytes), BodyDecoder::BadWhiteSpace::kAccepted) {}

Http1Exchange::~Http1Exchange() = default;

Task<Result<void>> Http1Exchange::start(ClientRequest request) {
  request_body_ = request.body;
  framing_ = request.framing;
  first_byte_timeout_ = request.options.first_byte_timeout;
  between_bytes_timeout_ = request.options.between_bytes_timeout;
  kind_ = request.head.method == "HEAD" ? ResponseParser::RequestKind::kHead
                                        : ResponseParser::RequestKind::kOrdinary;
  parser_.start(kind_);
  uploadWentOn();
  std::string head;
  appendRequestHead(head, request.head, framing_);
  upload_.emplace(upload(std::move(head), expectsContinue(request.head)));
  upload_->start();

  auto received = co_await DeadlineAwaiter<Result<void>>(shard_, &answer_deadline_, receiveHead());
  if (upload_error_) co_return std::unexpected(*upload_error_);
  if (!received) {
    co_return fail(ErrorCode::kDeadlineExceeded, "the server did not answer in time");
  }
  CO_TRY_VOID(*std::move(received));
  decoder_.start(parser_.control().body);
  if (decoder_.state() == ParseState::kDone && upload_done_) messageDone();
  co_return Result<void>();
}

std::string_view Http1Exchange::input() const {
  return asText({buffer_.get() + begin_, end_ - begin_});
}

Task<Result<bool>> Http1Exchange::fill() {
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<std::uint8_t[]>(kInputBytes);
  CO_TRY(const std::size_t count, co_await connection_->stream->read({buffer_.get(), kInputBytes}));
  begin_ = 0;
  end_ = count;
  any_byte_ = any_byte_ || count > 0;
  co_return count > 0;
}

Task<Result<void>> Http1Exchange::receiveHead() {
  for (int informational = 0;;) {
    if (begin_ == end_) {
      CO_TRY(const bool more, co_await fill());
      if (!more) co_return fail(ErrorCode::kIo, "the server closed the connection");
    }
    begin_ += parser_.feed(input());
    if (parser_.state() == ParseState::kFailed) {
      const bool too_large = parser_.failure().status == kHeadTooLarge;
      co_return fail(too_large ? ErrorCode::kResourceExhausted : ErrorCode::kProtocol,
                     "invalid response: " + std::string(parser_.failure().reason));
    }
    if (parser_.state() == ParseState::kMore) continue;
    if (head_.status >= 200) co_return Result<void>();
    if (head_.status == 101) {
      co_return fail(ErrorCode::kProtocol, "the server switched protocols unasked");
    }
    if (++informational > kMaxInformational) {
      co_return fail(ErrorCode::kProtocol, "too many informational responses");
    }
    if (head_.status == 100) may_upload_.set();
    parser_.start(kind_);
  }
}

Task<void> Http1Exchange::upload(std::string head, bool wait_for_continue) {
  const bool content = request_body_ != nullptr && framing_.kind != RequestFraming::Kind::kNone;
  auto sent = co_await connection_->stream->writeAll(asBytes(head));
  uploadWentOn();
  if (sent && content && wait_for_continue) {
    continue_timer_.emplace(shard_, [this] { may_upload_.set(); });
    continue_timer_->armAfter(kContinueWait);
    co_await may_upload_.wait();
  }
  // A server that stopped reading may still have answered: the response decides.
  if (!sent) co_return;
  if (content) {
    auto uploaded = co_await uploadContent();
    if (!uploaded && upload_error_) connection_->stream->close();
    if (!uploaded) co_return;
  }
  upload_done_ = true;
}

Task<Result<void>> Http1Exchange::uploadContent() {
  const bool chunked = framing_.kind == RequestFraming::Kind::kStreamed;
  std::uint64_t sent = 0;
  const auto refuse = [this](Error error) {
    upload_error_ = std::move(error);
    return std::unexpected(*upload_error_);
  };
  for (;;) {
    auto piece = co_await request_body_->read();
    if (!piece) co_return refuse(std::move(piece).error());
    if (!*piece) break;
    sent += (*piece)->size();
    if (!chunked && sent > framing_.length) {
      co_return refuse({ErrorCode::kInvalidArgument, "more request content than was announced"});
    }
    CO_TRY_VOID(co_await uploadPiece(**piece));
    uploadWentOn();
  }
  if (!chunked) {
    if (sent == framing_.length) co_return Result<void>();
    co_return refuse({ErrorCode::kInvalidArgument, "less request content than was announced"});
  }
  std::string last;
  appendLastChunk(last, request_body_->trailers());
  co_return co_await connection_->stream->writeAll(asBytes(last));
}

Task<Result<void>> Http1Exchange::uploadPiece(const Bytes& piece) {
  net::Stream& stream = *connection_->stream;
  if (framing_.kind != RequestFraming::Kind::kStreamed) {
    co_return co_await stream.writeAll(piece.view());
  }
  std::string text;
  appendChunkSize(text, piece.size());
  if (piece.size() <= kCopyBytes) {
    text += piece.text();
    text += "\r\n";
    co_return co_await stream.writeAll(asBytes(text));
  }
  CO_TRY_VOID(co_await stream.writeAll(asBytes(text)));
  CO_TRY_VOID(co_await stream.writeAll(piece.view()));
  co_return co_await stream.writeAll(asBytes("\r\n"));
}

Task<Result<std::optional<Bytes>>> Http1Exchange::read() {
  for (;;) {
    if (failure_) co_return std::unexpected(*failure_);
    if (decoder_.state() != ParseState::kMore) {
      if (auto done = contentDone(); !done) co_return std::unexpected(done.error());
      co_return std::nullopt;
    }
    if (begin_ == end_) {
      auto more = co_await within(shard_, deadlineAfter(shard_, between_bytes_timeout_), fill(),
                                  "the server sends nothing more");
      if (!more) {
        failure_ = upload_error_ ? *upload_error_ : more.error();
        continue;
      }
      if (!*more) decoder_.endOfInput();
      if (!*more) continue;
    }
    Decoded decoded = decode(decoder_, input());
    begin_ += decoded.consumed;
    if (!decoded.content.empty()) co_return std::move(decoded.content);
  }
}

Result<void> Http1Exchange::contentDone() {
  if (decoder_.state() == ParseState::kFailed) {
    failure_.emplace(ErrorCode::kProtocol,
                     "invalid response content: " + std::string(decoder_.failureReason()));
    return std::unexpected(*failure_);
  }
  messageDone();
  return {};
}

std::optional<std::uint64_t> Http1Exchange::length() const {
  switch (parser_.control().body.kind) {
    case BodyFraming::Kind::kNone: return 0;
    case BodyFraming::Kind::kLength: return parser_.control().body.length;
    default: return std::nullopt;
  }
}

// The connection goes on only if both sides know that this exchange is over and nothing more came
// than the response: what follows it now answers no request.
void Http1Exchange::messageDone() {
  if (std::exchange(finished_, true)) return;
  const bool reusable = upload_done_ && parser_.control().keep_alive && begin_ == end_;
  upload_.reset();
  buffer_.reset();
  begin_ = end_ = 0;
  if (reusable) done_(std::move(*connection_));
  connection_.reset();
}

}  // namespace nimbus::http
