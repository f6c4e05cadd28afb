#include "http/http1_parser.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "http/authority.h"

namespace nimbus::http {
namespace {

bool isTokenList(std::string_view value) {
  bool valid = true;
  forEachListMember(value, [&valid](std::string_view member) { valid &= isToken(member); });
  return valid;
}

// "HTTP/1.0" at the beginning of a line: DIGIT "." DIGIT (RFC 9112 2.3).
constexpr std::size_t kVersionBytes = 8;

bool isVersion(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return text.size() == kVersionBytes && text.starts_with("HTTP/") && is_digit(text[5]) &&
         text[6] == '.' && is_digit(text[7]);
}

// RFC 9110 2.5: a message of a minor version above ours is one of ours. None: of another major one.
std::optional<Version> http1Version(std::string_view version) {
  if (version[5] != '1') return std::nullopt;
  return version[7] == '0' ? Version::kHttp10 : Version::kHttp11;
}

}  // namespace

void HeadParser::restart() {
  control_ = {};
  version_ = Version::kHttp11;
  transfer_encoding_ = false;
  lines_.reset();
  stage_ = Stage::kStartLine;
  state_ = ParseState::kMore;
  started_ = false;
  says_close_ = false;
  says_keep_alive_ = false;
  field_bytes_ = 0;
  field_count_ = 0;
}

bool HeadParser::refuse(std::uint16_t status, std::string_view reason) {
  state_ = ParseState::kFailed;
  failure_ = {status, reason};
  return false;
}

std::size_t HeadParser::feed(std::string_view bytes) {
  std::size_t used = 0;
  while (state_ == ParseState::kMore && used < bytes.size()) {
    if (!started_ && lines_.partial().empty() && bytes[used] != '\r' && bytes[used] != '\n') {
      started_ = true;
      // Before the line is complete: a peer that speaks another protocol may never end a line.
      if (const auto problem = firstCharacterProblem(bytes[used]); !problem.empty()) {
        refuse(400, problem);
        break;
      }
    }
    const LineCutter::Cut cut = lines_.cut(bytes.substr(used), lineLimit());
    used += cut.consumed;
    switch (cut.outcome) {
      case LineCutter::Outcome::kMore: started_ |= lines_.partial() != "\r"; break;
      case LineCutter::Outcome::kLine: onLine(cut.line); break;
      case LineCutter::Outcome::kBareFeed: refuse(400, "line ends without CR"); break;
      case LineCutter::Outcome::kTooLong:
        if (stage_ == Stage::kStartLine) {
          refuse(414, "start line too long");
        } else {
          refuse(431, "header fields too large");
        }
        break;
    }
  }
  return used;
}

std::size_t HeadParser::lineLimit() const {
  if (stage_ == Stage::kStartLine) return limits_.max_start_line_bytes;
  return limits_.max_header_bytes - std::min(field_bytes_, limits_.max_header_bytes);
}

void HeadParser::onLine(std::string_view line) {
  if (stage_ == Stage::kStartLine) {
    if (line.empty()) {
      if (!allowsEmptyLine()) refuse(400, "empty line instead of a start line");
    } else if (startLine(line)) {
      stage_ = Stage::kFields;
    }
  } else if (!line.empty()) {
    fieldLine(line);
  } else if (finishFields() && finish()) {
    state_ = ParseState::kDone;
  }
}

bool HeadParser::fieldLine(std::string_view line) {
  field_bytes_ += line.size() + 2;
  if (++field_count_ > limits_.max_header_count) return refuse(431, "too many header fields");
  const FieldLine field = parseFieldLine(line);
  if (!field.problem.empty()) return refuse(400, field.problem);
  const FieldKind kind = classifyField(field.name);
  if (kind != FieldKind::kOrdinary) return connectionField(kind, field);
  headers().add(field.name, field.value);
  return true;
}

bool HeadParser::connectionField(FieldKind kind, const FieldLine& field) {
  switch (kind) {
    case FieldKind::kHost: return hostField(field.value);
    case FieldKind::kConnection: return connectionOptions(field.value);
    case FieldKind::kContentLength:
      if (!contentLength(field.value)) return false;
      headers().add(field.name, field.value);
      return true;
    case FieldKind::kTransferEncoding: return transferEncoding(field.value);
    case FieldKind::kExpect:
      if (control_.expectation == Expectation::kNone &&
          equalsIgnoringCase(field.value, "100-continue")) {
        control_.expectation = Expectation::kContinue;
      } else {
        control_.expectation = Expectation::kUnknown;
      }
      return true;
    case FieldKind::kHopByHop:
      // Nobody should send it; those who act on it take it for a list as above.
      if (equalsIgnoringCase(field.name, "proxy-connection") && !isTokenList(field.value)) {
        return refuse(400, "invalid proxy-connection");
      }
      return true;
    case FieldKind::kOrdinary: break;
  }
  return true;
}

bool HeadParser::connectionOptions(std::string_view value) {
  if (!isTokenList(value)) return refuse(400, "invalid connection");
  forEachListMember(value, [this](std::string_view option) {
    if (equalsIgnoringCase(option, "close")) says_close_ = true;
    if (equalsIgnoringCase(option, "keep-alive")) says_keep_alive_ = true;
  });
  return true;
}

bool HeadParser::contentLength(std::string_view value) {
  if (control_.content_length) return refuse(400, "repeated content-length");
  control_.content_length = parseContentLength(value);
  if (!control_.content_length) return refuse(400, "invalid content-length");
  return true;
}

// Only a single "chunked" is understood. Where "chunked" appears in another way the framing is
// ambiguous (400); what does not mention it is a coding we do not have (501).
bool HeadParser::transferEncoding(std::string_view value) {
  if (transfer_encoding_) return refuse(400, "repeated transfer-encoding");
  transfer_encoding_ = true;
  if (equalsIgnoringCase(value, "chunked")) return true;
  bool names_chunked = value.empty();
  bool final_chunked = false;
  std::size_t chunked_count = 0;
  forEachListMember(value, [&](std::string_view coding) {
    final_chunked = equalsIgnoringCase(coding, "chunked");
    if (final_chunked) ++chunked_count;
  });
  names_chunked |= chunked_count > 1 || (chunked_count == 1 && !final_chunked);
  if (names_chunked) return refuse(400, "invalid transfer-encoding");
  return refuse(501, "unsupported transfer coding");
}

bool HeadParser::finishFields() {
  if (transfer_encoding_ && control_.content_length) {
    return refuse(400, "content-length together with transfer-encoding");
  }
  if (transfer_encoding_ && version_ == Version::kHttp10) {
    return refuse(400, "transfer-encoding in an HTTP/1.0 message");
  }
  control_.keep_alive = !says_close_ && (version_ == Version::kHttp11 || says_keep_alive_);
  return true;
}

void RequestParser::start() {
  restart();
  head_.method.clear();
  head_.authority.clear();
  head_.path.clear();
  head_.headers.clear();
  empty_line_seen_ = false;
  absolute_ = false;
  host_seen_ = false;
}

std::string_view RequestParser::firstCharacterProblem(char first) const {
  return isToken({&first, 1}) ? std::string_view() : "invalid method";
}

// RFC 9112 2.2: one empty line before the request line is tolerated, as old clients send one after
// a body.
bool RequestParser::allowsEmptyLine() { return !std::exchange(empty_line_seen_, true); }

bool RequestParser::startLine(std::string_view line) {
  const std::size_t first = line.find(' ');
  if (first == std::string_view::npos) return refuse(400, "invalid request line");
  const std::size_t second = line.find(' ', first + 1);
  if (second == std::string_view::npos) return refuse(400, "invalid request line");
  const std::string_view method = line.substr(0, first);
  const std::string_view version = line.substr(second + 1);
  if (!isToken(method)) return refuse(400, "invalid method");
  head_.method.assign(method);
  if (!isVersion(version)) return refuse(400, "invalid request line");
  const auto known = http1Version(version);
  if (!known) return refuse(505, "unsupported HTTP version");
  head_.version = version_ = *known;
  return target(line.substr(first + 1, second - first - 1));
}

// RFC 9112 3.2: the four forms of request targets.
bool RequestParser::target(std::string_view text) {
  if (text.empty() || !isTargetText(text)) return refuse(400, "invalid request target");
  if (head_.method == "CONNECT") return refuse(501, "CONNECT is not supported");
  if (text.front() == '/') {
    head_.path.assign(text);
    return true;
  }
  if (text == "*") {
    if (head_.method != "OPTIONS") return refuse(400, "invalid request target");
    head_.path = "*";
    return true;
  }
  return absoluteTarget(text);
}

bool RequestParser::absoluteTarget(std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return refuse(400, "invalid request target");
  const std::string_view scheme = text.substr(0, scheme_end);
  if (!equalsIgnoringCase(scheme, "http") && !equalsIgnoringCase(scheme, "https")) {
    return refuse(400, "invalid request target");
  }
  const std::string_view rest = text.substr(scheme_end + 3);
  const std::size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
  if (!isAuthority(rest.substr(0, authority_end))) return refuse(400, "invalid request target");
  head_.authority.assign(rest.substr(0, authority_end));
  const std::string_view path = rest.substr(authority_end);
  if (path.empty()) {
    head_.path = head_.method == "OPTIONS" ? "*" : "/";
  } else {
    if (path.front() == '?') head_.path = "/";
    head_.path.append(path);
  }
  absolute_ = true;
  return true;
}

// RFC 9112 3.2: any problem with `host` is a 400; an absolute target replaces its value.
bool RequestParser::hostField(std::string_view value) {
  if (host_seen_) return refuse(400, "repeated host");
  host_seen_ = true;
  if (!value.empty() && !isAuthority(value)) return refuse(400, "invalid host");
  if (!absolute_) head_.authority.assign(value);
  return true;
}

bool RequestParser::finish() {
  if (!host_seen_ && version_ == Version::kHttp11) return refuse(400, "no host");
  if (version_ == Version::kHttp10) control_.expectation = Expectation::kNone;
  if (transfer_encoding_) {
    control_.body.kind = BodyFraming::Kind::kChunked;
  } else if (control_.content_length.value_or(0) > 0) {
    control_.body = {BodyFraming::Kind::kLength, *control_.content_length};
  }
  return true;
}

void ResponseParser::start(RequestKind request) {
  restart();
  head_.status = 0;
  head_.headers.clear();
  request_ = request;
}

std::string_view ResponseParser::firstCharacterProblem(char first) const {
  return first == 'H' ? std::string_view() : "not an HTTP/1 response";
}

// "HTTP/1.1 200 OK"; the reason and, as some servers do, the space before it may be missing.
bool ResponseParser::startLine(std::string_view line) {
  const std::string_view version = line.substr(0, kVersionBytes);
  if (!isVersion(version) || !line.substr(kVersionBytes).starts_with(' ')) {
    return refuse(502, "invalid status line");
  }
  const auto known = http1Version(version);
  if (!known) return refuse(502, "invalid status line");
  version_ = *known;
  const std::string_view rest = line.substr(kVersionBytes + 1);
  if (rest.size() < 3 || (rest.size() > 3 && rest[3] != ' ')) {
    return refuse(502, "invalid status line");
  }
  unsigned status = 0;
  for (const char c : rest.substr(0, 3)) {
    if (c < '0' || c > '9') return refuse(502, "invalid status line");
    status = status * 10 + unsigned(c - '0');
  }
  const std::string_view reason = rest.substr(std::min<std::size_t>(rest.size(), 4));
  const std::size_t reason_end = reason.find_last_not_of(" \t");
  const bool reason_fine =
      reason_end == std::string_view::npos ||
      isFieldValue(reason.substr(reason.find_first_not_of(" \t"),
                                 reason_end - reason.find_first_not_of(" \t") + 1));
  if (status < 100 || status > 599 || !reason_fine) return refuse(502, "invalid status line");
  head_.status = static_cast<std::uint16_t>(status);
  return true;
}

// RFC 9112 6.3, in its order.
bool ResponseParser::finish() {
  if (!mayHaveContent(request_ == RequestKind::kHead, head_.status)) return true;
  if (transfer_encoding_) {
    control_.body.kind = BodyFraming::Kind::kChunked;
  } else if (control_.content_length) {
    if (*control_.content_length > 0) {
      control_.body = {BodyFraming::Kind::kLength, *control_.content_length};
    }
  } else {
    control_.body.kind = BodyFraming::Kind::kUntilClose;
    control_.keep_alive = false;
  }
  return true;
}

}  // namespace nimbus::http
