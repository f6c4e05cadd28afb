#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "net/tls.h"

namespace nimbus::keyvalue {

// A Redis server as a place for keys and values, and how to speak to it.
struct RedisOptions {
  std::string url;                 // RedisPlace; may hold a password, so it is for no message
  std::string password_file = {};  // instead of the URL's; read anew for each connection
  // What the names of all keys begin with, so that several platforms can share a server.
  std::string prefix = "nimbus";
  net::TlsClientOptions tls = {};  // for rediss://

  Duration connect_timeout = std::chrono::seconds(5);  // until the server has let us in
  // For each reply, from when all before it are there.
  Duration response_timeout = std::chrono::seconds(10);
  // From one attempt to connect to the next; doubled each time, up to the second.
  Duration first_pause = std::chrono::milliseconds(50);
  Duration longest_pause = std::chrono::seconds(2);
};

[[nodiscard]] Result<void> checkRedisPrefix(std::string_view prefix);
// Whether these can be: kInvalidArgument. Files are not looked at.
[[nodiscard]] Result<void> checkRedisOptions(const RedisOptions& options);

}  // namespace nimbus::keyvalue
