#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

// What names, hosts, paths, durations and numbers in manifests and configuration must look like.
namespace nimbus::host {

// A number by YAML's core schema: "8", "-1.5", "1e3", "0x1f", ".inf".
[[nodiscard]] bool looksLikeNumber(std::string_view text);

// RFC 1123 label: 1 to 63 of a-z, 0-9 and "-", neither first nor last a "-".
[[nodiscard]] bool isDnsLabel(std::string_view text);
// Labels joined by dots, at most 253 characters.
[[nodiscard]] bool isDnsName(std::string_view text);

// "250ms", "10s", "5m", "2h" in milliseconds. Nothing if it is none of these or overflows.
[[nodiscard]] std::optional<std::uint64_t> parseDurationMs(std::string_view text);
// The shortest such text of a number of milliseconds.
[[nodiscard]] std::string formatDurationMs(std::uint64_t milliseconds);

// "64Mi", "1Gi", "500M", "1024": a number of bytes as Kubernetes writes whole ones. Nothing if it
// is none of these or overflows.
[[nodiscard]] std::optional<std::uint64_t> parseByteQuantity(std::string_view text);
// The shortest such text of a number of bytes.
[[nodiscard]] std::string formatByteQuantity(std::uint64_t bytes);

// Normal form of a route's host: lower case, one spelling of an IPv6 address, "" for "*".
// kInvalidArgument says what is wrong.
[[nodiscard]] Result<std::string> normalRouteHost(std::string_view text);
// Normal form of a route's path: begins with "/" and ends without one, unless it is "/".
[[nodiscard]] Result<std::string> normalRoutePath(std::string_view text);
// A method is an RFC 9110 token; well-known ones in lower case are taken for mistakes.
[[nodiscard]] Result<void> checkRouteMethod(std::string_view text);

// "sha256:" and 64 lower-case hexadecimal digits.
[[nodiscard]] bool isSha256Digest(std::string_view text);

}  // namespace nimbus::host
