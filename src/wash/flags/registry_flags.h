#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "oci/artifact_service.h"

namespace CLI {
class App;
}

namespace nimbus::wash {

// Flags about registries, the same for every command that talks to them.
struct RegistryFlags {
  std::string user;
  std::string password;
  bool password_from_stdin = false;
  bool insecure = false;
  std::vector<std::string> ca_paths;
  std::uint64_t max_layer_mb = 256;
};

// A flag for more certificate authorities than the system's, which WASH_OCI_CA_PATHS names as well.
void addCaPathFlag(CLI::App& command, const std::string& flag, const std::string& about,
                   std::vector<std::string>& paths);
// Those of the environment, for where there are no flags.
[[nodiscard]] std::vector<std::string> caPathsOfEnvironment();

// --insecure, --ca-path.
void addRegistryFlags(CLI::App& command, RegistryFlags& flags);
// --user, --password, --password-stdin.
void addCredentialFlags(CLI::App& command, RegistryFlags& flags);
// --pull-policy; `policy` is the default.
void addPullPolicyFlag(CLI::App& command, oci::PullPolicy& policy);

// Reads the password from standard input if the flags say so: once. kInvalidArgument: a password
// without a user, or the other way round.
[[nodiscard]] Result<oci::RegistryOptions> registryOptionsOf(const RegistryFlags& flags);

// The service behind these commands: the user's cache and Docker's logins.
[[nodiscard]] Result<std::unique_ptr<oci::ArtifactService>> startArtifactService(
    const RegistryFlags& flags);

}  // namespace nimbus::wash
