#include "http/http2_request.h"

#include "http/authority.h"
#include "http/http1_fields.h"

namespace nimbus::http {
namespace {

// RFC 9113 6.5.2 counts this much for every field besides its text.
constexpr std::size_t kFieldOverheadBytes = 32;

// A head this many times over the limit is an attack on the decoder.
constexpr std::size_t kHopelessFactor = 4;

}  // namespace

bool Http2RequestBuilder::add(std::string_view name, std::string_view value) {
  head_bytes_ += name.size() + value.size() + kFieldOverheadBytes;
  field_count_ += 1;
  if (head_bytes_ > limits_->max_header_bytes * kHopelessFactor ||
      field_count_ > limits_->max_header_count * kHopelessFactor) {
    return false;
  }
  if (head_bytes_ > limits_->max_header_bytes || field_count_ > limits_->max_header_count) {
    too_large_ = true;
  }
  if (too_large_) return true;
  if (name.starts_with(':')) {
    addPseudo(name, value);
  } else {
    addRegular(name, value);
  }
  return true;
}

void Http2RequestBuilder::addPseudo(std::string_view name, std::string_view value) {
  if (name == ":method") head_.method = value;
  if (name == ":scheme") scheme_ = value;
  if (name == ":authority") head_.authority = value;
  if (name == ":path") head_.path = value;
}

void Http2RequestBuilder::addRegular(std::string_view name, std::string_view value) {
  if (name == "cookie") {  // RFC 9113 8.2.3: one field again, for those who speak HTTP/1
    if (!cookies_.empty()) cookies_ += "; ";
    cookies_ += value;
    return;
  }
  switch (classifyField(name)) {
    case FieldKind::kHost:
      conflicting_ = conflicting_ || host_.has_value();
      host_ = value;
      return;
    case FieldKind::kExpect:
      expects_continue_ = equalsIgnoringCase(value, "100-continue");
      unknown_expectation_ = unknown_expectation_ || !expects_continue_;
      return;
    case FieldKind::kContentLength:
      content_length_ = parseContentLength(value);
      conflicting_ = conflicting_ || !content_length_;
      head_.headers.add(name, value);
      return;
    case FieldKind::kConnection:
    case FieldKind::kTransferEncoding:
    case FieldKind::kHopByHop: return;
    case FieldKind::kOrdinary: head_.headers.add(name, value);
  }
}

std::optional<std::uint16_t> Http2RequestBuilder::finish(bool tls) {
  head_.version = Version::kHttp2;
  head_.scheme = tls ? Scheme::kHttps : Scheme::kHttp;
  if (too_large_) return 431;
  if (head_.path.size() > limits_->max_request_line_bytes) return 414;
  if (head_.method == "CONNECT") return 501;
  if (scheme_ != "http" && scheme_ != "https") return 400;
  if (conflicting_ || !isToken(head_.method) || !authorityAgrees() || !targetValid()) return 400;
  if (unknown_expectation_) return 417;
  if (limits_->max_body_bytes > 0 && content_length_.value_or(0) > limits_->max_body_bytes) {
    return 413;
  }
  if (!cookies_.empty()) head_.headers.add("cookie", cookies_);
  return std::nullopt;
}

// RFC 9113 8.3.1: a `host` that names somebody else than :authority makes the request malformed.
bool Http2RequestBuilder::authorityAgrees() {
  if (host_ && head_.authority.empty()) head_.authority = *host_;
  if (host_ && !sameAuthority(*host_, head_.authority, scheme_)) return false;
  return isAuthority(head_.authority);
}

bool Http2RequestBuilder::targetValid() const {
  if (head_.path == "*") return head_.method == "OPTIONS";
  return head_.path.starts_with('/') && isTargetText(head_.path);
}

}  // namespace nimbus::http
