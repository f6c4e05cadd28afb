#include "oci/url.h"

#include <algorithm>

#include "base/text.h"
#include "http/authority.h"

namespace nimbus::oci {
namespace {

constexpr std::size_t kMaxUrlBytes = 8 * 1024;
constexpr std::string_view kHttp = "http://";
constexpr std::string_view kHttps = "https://";

bool isVisible(char c) { return c > 0x20 && c < 0x7f; }

bool startsIgnoringCase(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equalsIgnoringCase(text.substr(0, prefix.size()), prefix);
}

std::string_view withoutFragment(std::string_view text) { return text.substr(0, text.find('#')); }

// What stands behind "scheme://".
std::optional<Url> parseRest(http::Scheme scheme, std::string_view rest) {
  const std::size_t end = rest.find_first_of("/?");
  Url url;
  url.scheme = scheme;
  url.authority = lowerAscii(rest.substr(0, end));
  if (!http::isAuthority(url.authority)) return std::nullopt;
  if (end != std::string_view::npos) url.path = rest.substr(end);
  if (!url.path.starts_with('/')) url.path.insert(0, "/");
  return url;
}

}  // namespace

std::optional<Url> Url::parse(std::string_view text) {
  if (text.size() > kMaxUrlBytes || !std::ranges::all_of(text, isVisible)) return std::nullopt;
  text = withoutFragment(text);
  if (startsIgnoringCase(text, kHttp))
    return parseRest(http::Scheme::kHttp, text.substr(kHttp.size()));
  if (startsIgnoringCase(text, kHttps))
    return parseRest(http::Scheme::kHttps, text.substr(kHttps.size()));
  return std::nullopt;
}

std::optional<Url> Url::resolve(std::string_view text) const {
  if (text.starts_with("//")) {
    const std::string_view prefix = scheme == http::Scheme::kHttp ? "http:" : "https:";
    return parse(std::string(prefix) + std::string(text));
  }
  if (!text.starts_with('/')) return parse(text);
  if (text.size() > kMaxUrlBytes || !std::ranges::all_of(text, isVisible)) return std::nullopt;
  Url url = *this;
  url.path = withoutFragment(text);
  return url;
}

Url Url::with(std::string_view name, std::string_view value) const {
  Url url = *this;
  url.path += url.path.contains('?') ? '&' : '?';
  url.path += percentEncoded(name) + "=" + percentEncoded(value);
  return url;
}

std::string Url::text() const {
  return std::string(scheme == http::Scheme::kHttp ? kHttp : kHttps) + authority + path;
}

std::string Url::plainText() const {
  const std::string whole = text();
  return whole.substr(0, whole.find('?'));
}

std::string percentEncoded(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  static constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string encoded;
  for (const char c : text) {
    if (kUnreserved.contains(c)) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += kDigits[byte >> 4];
    encoded += kDigits[byte & 15];
  }
  return encoded;
}

}  // namespace nimbus::oci
