#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "project/settings.h"
#include "wit/packages.h"
#include "witdeps/registry_map.h"
#include "witdeps/transport.h"
#include "witdeps/wit_folder.h"

namespace nimbus::witdeps {

inline constexpr std::string_view kLockFileName = "wkg.lock";

enum class Refresh {
  kMissing,  // only if something is missing, or not as the lock file says
  kAll,      // whatever was fetched is fetched again, as the lock file says
};

enum class Reach {
  kAnywhere,  // also the registries that everybody has as defaults
  kNamed,     // what the lock file or the configuration names, and nothing else
};

struct FetchRequest {
  std::filesystem::path project;
  const project::WitSettings& settings;
  const RegistryMap& registries;
  Refresh refresh = Refresh::kMissing;
  Reach reach = Reach::kAnywhere;
  // What the lock file says is forgotten: of this package ("acme:log", of any version), or of all.
  bool forget_all = false;
  std::optional<wit::PackageRef> forget = {};
  bool offline = false;
  bool insecure = false;
};

struct FetchedPackage {
  wit::PackageRef package;
  std::string from;  // for people; empty: it came within another package
};

struct FetchOutcome {
  std::vector<FetchedPackage> packages;  // all that `deps` has now beside the project's own
  std::vector<std::string> notes;        // for people, a line each: copies that differ
  bool changed = false;                  // `deps` was written
  bool lock_changed = false;
  std::filesystem::path lock_file;
};

// Brings the packages that the project's WIT needs into `wit/deps`, and writes what they are into
// the lock file. A package is looked for, in this order: among the project's own in `deps`, where
// `wit.sources` says, beside the package that needs it, and in its registry. Nothing is fetched
// that is there and locked, or that is there and not named, where only what is named is reached;
// without a package of its own the project needs nothing. `folder` is read and written; what it has
// as main() counts. kInvalidArgument: the project, or a source, has two different texts of a
// package that is needed; both places are named. After an error `deps` and the lock file are each
// as they were or as they are meant to be. Errors begin with the package and who needs it.
[[nodiscard]] Result<FetchOutcome> fetchDependencies(const FetchRequest& request, WitFolder& folder,
                                                     Transport& transport);

}  // namespace nimbus::witdeps
