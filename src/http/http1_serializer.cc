#include "http/http1_serializer.h"

#include <array>
#include <charconv>

#include "http/http1_fields.h"

namespace nimbus::http {
namespace {

struct KnownStatus {
  std::uint16_t status;
  std::string_view line;  // with its phrase from index 13 on
};

// The ones that matter for speed come first.
constexpr std::array kKnownStatuses = {
    KnownStatus{200, "HTTP/1.1 200 OK\r\n"},
    KnownStatus{404, "HTTP/1.1 404 Not Found\r\n"},
    KnownStatus{204, "HTTP/1.1 204 No Content\r\n"},
    KnownStatus{304, "HTTP/1.1 304 Not Modified\r\n"},
    KnownStatus{100, "HTTP/1.1 100 Continue\r\n"},
    KnownStatus{101, "HTTP/1.1 101 Switching Protocols\r\n"},
    KnownStatus{102, "HTTP/1.1 102 Processing\r\n"},
    KnownStatus{103, "HTTP/1.1 103 Early Hints\r\n"},
    KnownStatus{201, "HTTP/1.1 201 Created\r\n"},
    KnownStatus{202, "HTTP/1.1 202 Accepted\r\n"},
    KnownStatus{203, "HTTP/1.1 203 Non-Authoritative Information\r\n"},
    KnownStatus{205, "HTTP/1.1 205 Reset Content\r\n"},
    KnownStatus{206, "HTTP/1.1 206 Partial Content\r\n"},
    KnownStatus{207, "HTTP/1.1 207 Multi-Status\r\n"},
    KnownStatus{208, "HTTP/1.1 208 Already Reported\r\n"},
    KnownStatus{226, "HTTP/1.1 226 IM Used\r\n"},
    KnownStatus{300, "HTTP/1.1 300 Multiple Choices\r\n"},
    KnownStatus{301, "HTTP/1.1 301 Moved Permanently\r\n"},
    KnownStatus{302, "HTTP/1.1 302 Found\r\n"},
    KnownStatus{303, "HTTP/1.1 303 See Other\r\n"},
    KnownStatus{305, "HTTP/1.1 305 Use Proxy\r\n"},
    KnownStatus{307, "HTTP/1.1 307 Temporary Redirect\r\n"},
    KnownStatus{308, "HTTP/1.1 308 Permanent Redirect\r\n"},
    KnownStatus{400, "HTTP/1.1 400 Bad Request\r\n"},
    KnownStatus{401, "HTTP/1.1 401 Unauthorized\r\n"},
    KnownStatus{402, "HTTP/1.1 402 Payment Required\r\n"},
    KnownStatus{403, "HTTP/1.1 403 Forbidden\r\n"},
    KnownStatus{405, "HTTP/1.1 405 Method Not Allowed\r\n"},
    KnownStatus{406, "HTTP/1.1 406 Not Acceptable\r\n"},
    KnownStatus{407, "HTTP/1.1 407 Proxy Authentication Required\r\n"},
    KnownStatus{408, "HTTP/1.1 408 Request Timeout\r\n"},
    KnownStatus{409, "HTTP/1.1 409 Conflict\r\n"},
    KnownStatus{410, "HTTP/1.1 410 Gone\r\n"},
    KnownStatus{411, "HTTP/1.1 411 Length Required\r\n"},
    KnownStatus{412, "HTTP/1.1 412 Precondition Failed\r\n"},
    KnownStatus{413, "HTTP/1.1 413 Content Too Large\r\n"},
    KnownStatus{414, "HTTP/1.1 414 URI Too Long\r\n"},
    KnownStatus{415, "HTTP/1.1 415 Unsupported Media Type\r\n"},
    KnownStatus{416, "HTTP/1.1 416 Range Not Satisfiable\r\n"},
    KnownStatus{417, "HTTP/1.1 417 Expectation Failed\r\n"},
    KnownStatus{421, "HTTP/1.1 421 Misdirected Request\r\n"},
    KnownStatus{422, "HTTP/1.1 422 Unprocessable Content\r\n"},
    KnownStatus{423, "HTTP/1.1 423 Locked\r\n"},
    KnownStatus{424, "HTTP/1.1 424 Failed Dependency\r\n"},
    KnownStatus{425, "HTTP/1.1 425 Too Early\r\n"},
    KnownStatus{426, "HTTP/1.1 426 Upgrade Required\r\n"},
    KnownStatus{428, "HTTP/1.1 428 Precondition Required\r\n"},
    KnownStatus{429, "HTTP/1.1 429 Too Many Requests\r\n"},
    KnownStatus{431, "HTTP/1.1 431 Request Header Fields Too Large\r\n"},
    KnownStatus{451, "HTTP/1.1 451 Unavailable For Legal Reasons\r\n"},
    KnownStatus{500, "HTTP/1.1 500 Internal Server Error\r\n"},
    KnownStatus{501, "HTTP/1.1 501 Not Implemented\r\n"},
    KnownStatus{502, "HTTP/1.1 502 Bad Gateway\r\n"},
    KnownStatus{503, "HTTP/1.1 503 Service Unavailable\r\n"},
    KnownStatus{504, "HTTP/1.1 504 Gateway Timeout\r\n"},
    KnownStatus{505, "HTTP/1.1 505 HTTP Version Not Supported\r\n"},
    KnownStatus{507, "HTTP/1.1 507 Insufficient Storage\r\n"},
    KnownStatus{508, "HTTP/1.1 508 Loop Detected\r\n"},
    KnownStatus{511, "HTTP/1.1 511 Network Authentication Required\r\n"},
};

constexpr std::size_t kPhraseIndex = 13;

const KnownStatus* findStatus(std::uint16_t status) {
  for (const KnownStatus& known : kKnownStatuses) {
    if (known.status == status) return &known;
  }
  return nullptr;
}

template <typename Number>
void appendNumber(std::string& out, Number number, int base) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), number, base).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

}  // namespace

std::string_view reasonPhrase(std::uint16_t status) {
  const KnownStatus* known = findStatus(status);
  if (known == nullptr) return "Unknown";
  return known->line.substr(kPhraseIndex, known->line.size() - kPhraseIndex - 2);
}

void appendStatusLine(std::string& out, std::uint16_t status) {
  if (const KnownStatus* known = findStatus(status)) {
    out.append(known->line);
    return;
  }
  out.append("HTTP/1.1 ");
  appendNumber(out, status, 10);
  out.append(" Unknown\r\n");
}

void appendField(std::string& out, std::string_view name, std::string_view value) {
  out.append(name);
  out.append(": ");
  out.append(value);
  out.append("\r\n");
}

void appendContentLength(std::string& out, std::uint64_t length) {
  out.append("content-length: ");
  appendNumber(out, length, 10);
  out.append("\r\n");
}

WrittenFields appendFields(std::string& out, const Headers& headers) {
  const std::size_t before = out.size();
  WrittenFields written;
  for (std::size_t i = 0; i < headers.size() && written.valid; ++i) {
    const HeaderField field = headers[i];
    const FieldKind kind = classifyField(field.name);
    if (kind == FieldKind::kContentLength) {
      const auto length = parseContentLength(field.value);
      written.valid = length && written.content_length.value_or(*length) == *length;
      written.content_length = length;
    } else if (kind == FieldKind::kOrdinary || kind == FieldKind::kExpect) {
      written.valid = isToken(field.name) && isFieldValue(field.value);
      if (!written.valid) break;
      appendField(out, field.name, field.value);
      written.has_date |= field.name == "date";
    }
  }
  if (!written.valid) out.resize(before);
  return written;
}

void appendChunkSize(std::string& out, std::uint64_t size) {
  appendNumber(out, size, 16);
  out.append("\r\n");
}

void appendLastChunk(std::string& out, const Headers& trailers) {
  out.append("0\r\n");
  for (std::size_t i = 0; i < trailers.size(); ++i) {
    const HeaderField field = trailers[i];
    if (classifyField(field.name) != FieldKind::kOrdinary || !isToken(field.name) ||
        !isFieldValue(field.value)) {
      continue;
    }
    appendField(out, field.name, field.value);
  }
  out.append("\r\n");
}

}  // namespace nimbus::http
