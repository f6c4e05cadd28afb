#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace nimbus::oci {

// An http or https address as registries name one in a Location or a realm (RFC 3986, without user
// information; a fragment is dropped).
struct Url {
  http::Scheme scheme = http::Scheme::kHttps;
  std::string authority;  // host[:port], in lower case
  std::string path;       // with its query; begins with "/"

  // An absolute address; nothing if it is not one.
  [[nodiscard]] static std::optional<Url> parse(std::string_view text);
  // `text` as it is meant in an answer from this address: absolute, "//host/path" or "/path".
  // Nothing for anything else.
  [[nodiscard]] std::optional<Url> resolve(std::string_view text) const;

  // The address with `name=value` added to its query, the value percent-encoded.
  [[nodiscard]] Url with(std::string_view name, std::string_view value) const;

  // Secrets of one origin must not go to another.
  [[nodiscard]] bool sameOrigin(const Url& other) const {
    return scheme == other.scheme && authority == other.authority;
  }
  [[nodiscard]] std::string text() const;
  // Without the query, which may carry signatures: for messages.
  [[nodiscard]] std::string plainText() const;

  friend bool operator==(const Url&, const Url&) = default;
};

// Everything but unreserved characters percent-encoded (RFC 3986 2.3).
[[nodiscard]] std::string percentEncoded(std::string_view text);

}  // namespace nimbus::oci
