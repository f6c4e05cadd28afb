#include "http/client_request.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "http/authority.h"
#include "http/http1_fields.h"
#include "http/http1_serializer.h"

namespace nimbus::http {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

Result<void> checkTarget(const RequestHead& head) {
  if (!isToken(head.method)) return fail(ErrorCode::kInvalidArgument, "invalid request method");
  if (head.method == "CONNECT") {
    return fail(ErrorCode::kUnsupported, "CONNECT requests are not supported");
  }
  const auto visible = [](char c) { return c > 0x20 && c != 0x7f && c != '#'; };
  const bool origin_form = head.path.starts_with('/') && std::ranges::all_of(head.path, visible);
  const bool asterisk_form = head.path == "*" && head.method == "OPTIONS";
  if (!origin_form && !asterisk_form) {
    return fail(ErrorCode::kInvalidArgument, "invalid request path");
  }
  return {};
}

Result<std::optional<std::uint64_t>> checkFields(const Headers& headers) {
  std::optional<std::uint64_t> length;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const HeaderField field = headers[i];
    if (!isToken(field.name) || !isFieldValue(field.value)) {
      return fail(ErrorCode::kInvalidArgument, "invalid request header field");
    }
    if (field.name != "content-length") continue;
    const auto value = parseContentLength(field.value);
    if (!value || (length && *length != *value)) {
      return fail(ErrorCode::kInvalidArgument, "invalid content-length");
    }
    length = value;
  }
  return length;
}

}  // namespace

Result<ClientTarget> parseTarget(Scheme scheme, std::string_view authority) {
  if (!isAuthority(authority)) {
    return fail(ErrorCode::kInvalidArgument, "invalid request authority");
  }
  ClientTarget target;
  target.port = scheme == Scheme::kHttps ? kHttpsPort : kHttpPort;
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    target.host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    target.host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (port.size() > 1) {
    const auto number = parseDecimal(port.substr(1));
    if (!number || *number == 0 || *number > UINT16_MAX) {
      return fail(ErrorCode::kInvalidArgument, "invalid port in the request authority");
    }
    target.port = static_cast<std::uint16_t>(*number);
  }
  return target;
}

Result<RequestFraming> checkRequest(const RequestHead& head, const BodyReader* body) {
  TRY_VOID(checkTarget(head));
  TRY(std::optional<std::uint64_t> length, checkFields(head.headers));
  const bool empty = body == nullptr || body->empty();
  const auto known = empty ? std::optional<std::uint64_t>(0) : body->length();
  if (length && known && *length != *known) {
    // A head alone may tell a length that is not sent.
    if (!empty || head.method != "HEAD") {
      return fail(ErrorCode::kInvalidArgument, "content-length differs from the request's content");
    }
    return RequestFraming{};
  }
  if (!length) length = known;
  if (!length) return RequestFraming{RequestFraming::Kind::kStreamed, 0};
  // RFC 9110 8.6: methods that anticipate content say that there is none.
  static constexpr std::array kWithContent = {"POST", "PUT", "PATCH"};
  const bool said = head.headers.find("content-length").has_value();
  if (*length == 0 && !said && std::ranges::find(kWithContent, head.method) == kWithContent.end()) {
    return RequestFraming{};
  }
  return RequestFraming{RequestFraming::Kind::kLength, *length};
}

bool isIdempotent(std::string_view method) {
  static constexpr std::array<std::string_view, 6> kMethods = {"GET",    "HEAD", "OPTIONS",
                                                               "DELETE", "PUT",  "TRACE"};
  return std::ranges::find(kMethods, method) != kMethods.end();
}

bool isGrpc(const RequestHead& head) {
  static constexpr std::string_view kType = "application/grpc";
  const auto type = head.headers.find("content-type");
  return type && nimbus::equalsIgnoringCase(type->substr(0, kType.size()), kType);
}

bool expectsContinue(const RequestHead& head) {
  const auto value = head.headers.find("expect");
  return value && nimbus::equalsIgnoringCase(*value, "100-continue");
}

void appendRequestHead(std::string& out, const RequestHead& head, const RequestFraming& framing) {
  out += head.method;
  out += ' ';
  out += head.path;
  out += " HTTP/1.1\r\n";
  appendField(out, "host", head.authority);
  appendFields(out, head.headers);
  if (framing.kind == RequestFraming::Kind::kLength) appendContentLength(out, framing.length);
  if (framing.kind == RequestFraming::Kind::kStreamed) {
    appendField(out, "transfer-encoding", "chunked");
  }
  const auto te = head.headers.find("te");
  if (te && nimbus::equalsIgnoringCase(*te, "trailers")) {
    appendField(out, "te", "trailers");
    appendField(out, "connection", "te");
  }
  out += "\r\n";
}

}  // namespace nimbus::http
