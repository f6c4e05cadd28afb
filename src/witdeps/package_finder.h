#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "project/settings.h"
#include "wit/packages.h"
#include "witdeps/lock_file.h"
#include "witdeps/registry_map.h"
#include "witdeps/source.h"
#include "witdeps/transport.h"
#include "witdeps/wit_tree.h"

namespace nimbus::witdeps {

// What the lock file says of a package; nothing for what lies on this machine.
using Lock = std::variant<std::monostate, LockedPackage, LockedSource>;

// A package as it was found: its text, or a binary with what it needs in it.
struct FoundPackage {
  std::variant<TextPackage, wit::EncodedPackage> content;
  Lock locked;
  std::string from;               // for people: "localhost:5000/wit/acme/log:0.2.0"
  const WitTree* tree = nullptr;  // where it was found, with others that it may need; or null
};

// What a finder goes by; all of it outlives the finder.
struct FinderOptions {
  std::filesystem::path project;      // where paths begin
  const project::StringMap& sources;  // wit.sources
  const RegistryMap& registries;
  const LockFile& locked;   // what it says is what must be found
  bool only_named = false;  // not the registries that everybody has as defaults
  bool offline = false;     // only this machine, and what the cache has
  bool insecure = false;    // registries speak HTTP without TLS
};

// Finds packages where the project's configuration says that they are. Each place is visited once.
class PackageFinder {
 public:
  PackageFinder(FinderOptions options, Transport& transport)
      : options_(std::move(options)), transport_(transport) {}

  // Errors do not name the package. kNotFound: nothing says where it is; kPermissionDenied: what
  // was found has another digest than the lock file says.
  [[nodiscard]] Result<FoundPackage> find(const wit::PackageRef& package);

  // Whether its place is on this machine, so that finding it costs nothing.
  [[nodiscard]] Result<bool> isLocal(const wit::PackageRef& package) const;
  // Whether the lock file or the configuration says where it comes from.
  [[nodiscard]] Result<bool> isNamed(const wit::PackageRef& package) const;
  // What the lock file says of it, if that is about the place that it comes from now.
  [[nodiscard]] Result<Lock> lockOf(const wit::PackageRef& package) const;

 private:
  // A source that was read, by its text.
  struct Visited {
    std::variant<WitTree, Bytes> content;
    std::string digest;  // for the lock file; empty: nothing to lock
  };

  [[nodiscard]] Result<std::optional<FoundPackage>> findKept(const wit::PackageRef& package);
  [[nodiscard]] Result<FoundPackage> findIn(const wit::PackageRef& package,
                                            const ConfiguredSource& configured);
  [[nodiscard]] Result<const Visited*> visit(const wit::PackageRef& package,
                                             const ConfiguredSource& configured);
  [[nodiscard]] Result<Visited> read(const PathSource& source) const;
  [[nodiscard]] Result<Visited> read(const GitSource& source, const LockedSource* locked);
  [[nodiscard]] Result<Visited> read(const HttpSource& source, const LockedSource* locked);
  [[nodiscard]] Result<FoundPackage> pull(const wit::PackageRef& package, oci::Reference reference,
                                          const std::string& registry);
  [[nodiscard]] Result<FoundPackage> findInRegistry(const wit::PackageRef& package);
  [[nodiscard]] Result<RegistryMetadata> metadataOf(const PackageRegistry& registry);

  FinderOptions options_;
  Transport& transport_;
  std::map<std::string, Visited> visited_;
  std::map<std::string, RegistryMetadata> metadata_;  // by registry
};

}  // namespace nimbus::witdeps
