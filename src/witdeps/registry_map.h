#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "oci/credentials.h"
#include "project/settings.h"
#include "wit/packages.h"

namespace nimbus::witdeps {

// Where in OCI registries the packages of one registry of packages are, as its
// /.well-known/wasm-pkg/registry.json says.
struct RegistryMetadata {
  std::string registry;          // the OCI registry
  std::string namespace_prefix;  // before "<namespace>/<name>" in repositories; may be empty

  // `host` is that of the registry, which is an OCI registry itself if nothing else is said.
  // kInvalidArgument: no such document; kUnsupported: a registry of another protocol.
  [[nodiscard]] static Result<RegistryMetadata> parse(std::string_view json, std::string_view host);

  friend bool operator==(const RegistryMetadata&, const RegistryMetadata&) = default;
};

// A registry of packages.
struct PackageRegistry {
  std::string name;                          // as lock files name it: a host
  std::optional<RegistryMetadata> metadata;  // nothing: the registry is asked for it
  bool configured = true;                    // false: one of the defaults that everybody has
};

// Which registry packages come from: the user's configuration of wkg (`config.toml`), with the
// defaults that everybody has.
class RegistryMap {
 public:
  // Those of wkg, and of the projects whose interfaces this program knows.
  RegistryMap();

  // Adds a configuration of wkg, which goes before what is there. kInvalidArgument,
  // "<file>:<line>: <what>".
  [[nodiscard]] Result<void> addConfig(std::string_view toml, std::string_view file_name);
  // Adds the credentials of `wit.registries`.
  [[nodiscard]] Result<void> addLogins(const std::vector<project::WitRegistry>& registries);

  // Nothing if there is none for it.
  [[nodiscard]] std::optional<PackageRegistry> find(const wit::PackageRef& package) const;
  // What to tell the OCI registry, if anything is known of it.
  [[nodiscard]] std::optional<oci::Credential> loginFor(const std::string& registry) const;
  // Whether it speaks HTTP without TLS.
  [[nodiscard]] bool isInsecure(const std::string& registry) const;

 private:
  struct Settings {
    std::optional<oci::Credential> login;
    bool insecure = false;
  };
  std::optional<PackageRegistry> default_;
  std::map<std::string, PackageRegistry> of_packages_;
  std::map<std::string, PackageRegistry> of_namespaces_;
  std::map<std::string, PackageRegistry> fallbacks_;
  std::map<std::string, Settings> settings_;  // by host
};

// The configuration that wkg reads: WKG_CONFIG_FILE, else `wasm-pkg/config.toml` in the user's
// configuration folder; the file need not be there. Empty if there is no such folder.
[[nodiscard]] std::string defaultWkgConfigPath();

}  // namespace nimbus::witdeps
