#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nimbus::keyvalue {

// Where a Redis server is and who comes to it, as a URL says it:
//
//   redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]    TCP
//   rediss://…                                          the same by TLS
//   unix:PATH                                           a Unix socket
//
// User and password are percent-encoded where they need it. An IPv6 address stands in brackets.
struct RedisPlace {
  std::string unix_path;  // not empty: a Unix socket, and the next three mean nothing
  std::string host;       // a name or an address, without brackets
  std::uint16_t port = 6379;
  bool tls = false;
  std::string user;                     // empty: the server's default user
  std::optional<std::string> password;  // a secret; none: nobody in particular comes
  std::uint32_t database = 0;

  // kInvalidArgument. The message does not repeat the URL, which may hold a password.
  [[nodiscard]] static Result<RedisPlace> parse(std::string_view url);

  // For messages: without user and password.
  [[nodiscard]] std::string describe() const;
};

}  // namespace nimbus::keyvalue
