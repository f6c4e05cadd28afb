#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nimbus::http {

// host [":" port] as a `host` field or an `:authority` may carry it (RFC 9110 7.2, RFC 3986
// 3.2.2): a registered name, an IPv4 address, or an IPv6 address in brackets; not empty, no user
// information, port at most 65535. Commas are refused though the grammar has them: a list is what
// two joined `host` fields look like.
[[nodiscard]] bool isAuthority(std::string_view text);

// The one spelling (RFC 5952) of an IPv6 address in brackets, which has many. Nothing if it is
// none, or one that stands for an IPv4 address.
[[nodiscard]] std::optional<std::string> normalIpv6Host(std::string_view bracketed);

// Whether two authorities name the same server (RFC 9110 4.2.3): whatever the case of the host,
// with or without the port of the scheme ("http" or "https"), with or without a dot at the host's
// end.
[[nodiscard]] bool sameAuthority(std::string_view a, std::string_view b, std::string_view scheme);

// Whether a request's target (or `:path`) may be of these characters. Those that every client
// encodes are refused, as is everything that is not visible ASCII. The others that RFC 3986 forbids
// ("|", "{", "^", …) are what browsers send in queries.
[[nodiscard]] bool isTargetText(std::string_view text);

}  // namespace nimbus::http
