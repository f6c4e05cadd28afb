#include "host/admin/admin_client.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/race.h"
#include "host/manifest/text_rules.h"
#include "http/headers.h"
#include "http/http1_body_decoder.h"
#include "http/http1_parser.h"
#include "net/socket.h"

namespace nimbus::host {
namespace {

constexpr std::size_t kMaxAnswerBytes = 256 * 1024 * 1024;
constexpr std::size_t kMaxErrorBytes = 1024 * 1024;

using Content = std::function<Result<void>(std::string_view)>;

// What users type ends up in these: nothing may end the line.
Result<void> checkSendable(std::string_view target, std::string_view token, std::string_view id) {
  const bool plain = std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7F; });
  if (!plain) return fail(ErrorCode::kInvalidArgument, "a name holds a character no name can have");
  if (!http::isFieldValue(token))
    return fail(ErrorCode::kInvalidArgument, "the token holds a character no token can have");
  if (!http::isFieldValue(id))
    return fail(ErrorCode::kInvalidArgument, "that is not the id of an event");
  return {};
}

// Collects content up to a limit.
Content appendTo(std::string& text, std::size_t most) {
  return [&text, most](std::string_view piece) -> Result<void> {
    if (text.size() + piece.size() > most)
      return fail(ErrorCode::kResourceExhausted, "the host's answer is too large");
    text.append(piece);
    return {};
  };
}

Task<void> connectTo(net::Shard& shard, net::Endpoint host,
                     Result<std::unique_ptr<net::Stream>>* stream) {
  *stream = co_await net::connectTo(shard, host);
}

Task<void> writeAll(net::Stream* stream, std::string text, Result<void>* sent) {
  *sent = co_await stream->writeAll(asBytes(text));
}

}  // namespace

// Reads one answer from a connection that ends after it.
class AdminClient::AnswerReader {
 public:
  AnswerReader(AdminClient& client, net::Stream& stream, bool takes_a_while)
      : client_(client), stream_(stream), takes_a_while_(takes_a_while) {}

  // Without the informational heads before it.
  Task<Result<std::uint16_t>> readHead() {
    http::ResponseParser parser(limits_, head_);
    do {
      parser.start(http::ResponseParser::RequestKind::kOrdinary);
      while (parser.state() == http::ParseState::kMore) {
        if (received_.empty()) CO_TRY_VOID(co_await receive());
        if (ended_) co_return fail(ErrorCode::kProtocol, "the host closed the connection");
        received_.remove_prefix(parser.feed(received_));
      }
      if (parser.state() == http::ParseState::kFailed)
        co_return fail(ErrorCode::kProtocol,
                       fmt::format("the host's answer is not HTTP: {}", parser.failure().reason));
    } while (head_.status < 200);
    framing_ = parser.control().body;
    co_return head_.status;
  }

  Task<Result<void>> readContent(Content content) {
    http::BodyDecoder decoder(limits_);
    decoder.start(framing_);
    while (decoder.state() == http::ParseState::kMore) {
      if (received_.empty()) CO_TRY_VOID(co_await receive());
      if (ended_) decoder.endOfInput();
      const auto piece = decoder.feed(received_);
      received_.remove_prefix(piece.consumed);
      if (!piece.content.empty()) CO_TRY_VOID(content(piece.content));
    }
    if (decoder.state() == http::ParseState::kFailed)
      co_return fail(ErrorCode::kProtocol,
                     fmt::format("the host's answer is cut off: {}", decoder.failureReason()));
    co_return Result<void>();
  }

 private:
  Task<Result<void>> receive() {
    while (co_await race(waitFor(stream_), client_.shard_.sleepFor(client_.patience_)) ==
           Raced::kTimedOut)
      CO_TRY_VOID(co_await client_.hearSilence(takes_a_while_));
    CO_TRY(const std::size_t count, co_await stream_.read(buffer_));
    received_ = asText(ByteView(buffer_).first(count));
    ended_ = count == 0;
    co_return Result<void>();
  }

  // What comes of it the read tells.
  static Task<void> waitFor(net::Stream& stream) { (void)co_await stream.readable(); }

  AdminClient& client_;
  net::Stream& stream_;
  const bool takes_a_while_;
  http::HeadLimits limits_;
  http::ResponseHead head_;
  http::BodyFraming framing_;
  std::array<std::uint8_t, 16 * 1024> buffer_{};
  std::string_view received_;  // what of the buffer has not been used
  bool ended_ = false;
};

std::string AdminClient::requestText(const Request& request) const {
  std::string text =
      fmt::format("{} {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", request.method,
                  request.target, host_.unix_path.empty() ? host_.toString() : "localhost");
  if (token_) text += fmt::format("authorization: Bearer {}\r\n", *token_);
  if (!request.last_event_id.empty())
    text += fmt::format("last-event-id: {}\r\n", request.last_event_id);
  if (request.method == "POST") text += fmt::format("content-length: {}\r\n", request.body.size());
  return text + "\r\n" + request.body;
}

Task<Result<void>> AdminClient::exchange(Request request, Content content) {
  CO_TRY_VOID(checkSendable(request.target, token_.value_or(""), request.last_event_id));
  Result<std::unique_ptr<net::Stream>> stream;
  if (co_await race(connectTo(shard_, host_, &stream), shard_.sleepFor(patience_)) ==
      Raced::kTimedOut)
    co_return std::unexpected(silent("taken a connection"));
  if (!stream)
    co_return fail(ErrorCode::kUnavailable,
                   fmt::format("cannot reach a host at {} (does one run? `wash host` starts it)",
                               host_.toString()),
                   stream.error());
  Result<void> sent;
  if (co_await race(writeAll(stream->get(), requestText(request), &sent),
                    shard_.sleepFor(patience_)) == Raced::kTimedOut)
    co_return std::unexpected(silent("taken the request"));
  // A host that refuses a request early may close before it has read all: its answer counts.
  const auto reader = std::make_unique<AnswerReader>(*this, **stream, request.takes_a_while);
  const auto status = co_await reader->readHead();
  if (!status) co_return std::unexpected(sent ? status.error() : sent.error());
  if (*status >= 200 && *status < 300) co_return co_await reader->readContent(std::move(content));
  std::string error;
  CO_TRY_VOID(co_await reader->readContent(appendTo(error, kMaxErrorBytes)));
  co_return std::unexpected(parseAdminError(*status, error));
}

Task<Result<void>> AdminClient::hearSilence(bool takes_a_while) {
  if (!takes_a_while) co_return std::unexpected(silent("answered"));
  CO_TRY_VOID(co_await host());
  co_return Result<void>();
}

Error AdminClient::silent(std::string_view what) const {
  const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(patience_).count();
  return {
      ErrorCode::kDeadlineExceeded,
      fmt::format("the host at {} has not {} for {}; what was asked for may still happen",
                  host_.toString(), what, formatDurationMs(static_cast<std::uint64_t>(patience)))};
}

Task<Result<std::string>> AdminClient::call(Request request) {
  std::string text;
  CO_TRY_VOID(co_await exchange(std::move(request), appendTo(text, kMaxAnswerBytes)));
  co_return text;
}

Task<Result<WorkloadView>> AdminClient::apply(std::string manifest, Wait wait) {
  CO_TRY(const std::string text,
         co_await call({.method = "POST",
                        .target = wait == Wait::kNo ? "/v1/workloads?wait=false" : "/v1/workloads",
                        .body = std::move(manifest),
                        .last_event_id = {},
                        .takes_a_while = true}));
  co_return parseWorkloadView(text);
}

Task<Result<std::vector<WorkloadView>>> AdminClient::list(std::string namespace_name) {
  std::string target = "/v1/workloads";
  if (!namespace_name.empty()) target += "?namespace=" + namespace_name;
  CO_TRY(const std::string text, co_await call({"GET", std::move(target), {}, {}}));
  co_return parseWorkloadList(text);
}

Task<Result<WorkloadView>> AdminClient::get(std::string namespace_name, std::string name) {
  CO_TRY(const std::string text,
         co_await call({"GET", fmt::format("/v1/workloads/{}/{}", namespace_name, name), {}, {}}));
  co_return parseWorkloadView(text);
}

Task<Result<void>> AdminClient::remove(std::string namespace_name, std::string name) {
  CO_TRY_VOID(co_await call({.method = "DELETE",
                             .target = fmt::format("/v1/workloads/{}/{}", namespace_name, name),
                             .body = {},
                             .last_event_id = {},
                             .takes_a_while = true}));
  co_return Result<void>();
}

Task<Result<void>> AdminClient::drain() {
  CO_TRY_VOID(co_await call({"POST", "/v1/drain", {}, {}}));
  co_return Result<void>();
}

Task<Result<std::string>> AdminClient::host() { return call({"GET", "/v1/host", {}, {}}); }
Task<Result<std::string>> AdminClient::metrics() { return call({"GET", "/metrics", {}, {}}); }

Task<Result<void>> AdminClient::events(EventQuery query,
                                       std::function<void(const AdminEvent&)> each) {
  AdminEventParser parser(std::move(each));
  std::string target = fmt::format("/v1/events?follow={}", query.follow);
  if (!query.workload.empty()) target += "&workload=" + query.workload;
  co_return co_await exchange({.method = "GET",
                               .target = std::move(target),
                               .body = {},
                               .last_event_id = std::move(query.last_event_id),
                               .takes_a_while = true},
                              [&parser](std::string_view piece) { return parser.feed(piece); });
}

}  // namespace nimbus::host
