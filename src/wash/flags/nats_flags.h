#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "nats/connect_options.h"

namespace CLI {
class App;
}

namespace nimbus::wash {

// The NATS servers of providers at nats:PREFIX, and who we are to them, as the flags say it.
struct NatsFlags {
  std::vector<std::string> urls;
  std::string tls_ca;
  std::string tls_certificate;
  std::string tls_key;
  bool tls_first = false;
  std::string user;
  std::string password_file;
  std::string token_file;
  std::string credentials_file;
  std::string nkey;
  std::string nkey_seed_file;
};

void addNatsFlags(CLI::App& command, NatsFlags& flags);

// `settings` with what the flags say on top, as far as can be told without connecting. A way to say
// who we are takes the place of the one before.
[[nodiscard]] Result<nats::ConnectOptions> natsOptionsOf(const NatsFlags& flags,
                                                         nats::ConnectOptions settings = {});

}  // namespace nimbus::wash
