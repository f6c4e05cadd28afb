#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "oci/artifacts.h"
#include "wash/flags/registry_flags.h"
#include "wash/input/resolve_component.h"

namespace CLI {
class App;
}

namespace nimbus::wash {

// Flags of commands whose COMPONENT may lie in a registry.
struct ReferenceFlags {
  RegistryFlags registry;
  oci::PullPolicy pull_policy = oci::PullPolicy::kIfNotPresent;
};

void addReferenceFlags(CLI::App& command, ReferenceFlags& flags);

// Whether it has a digest, as in "ghcr.io/me/app@sha256:…", and so is a reference whatever files
// there are: it is to be that very thing.
[[nodiscard]] bool isPinned(std::string_view argument);

// What `argument` names: a file or a project's folder (resolveComponent), or else a reference to an
// artifact in a registry, which is pulled. `path` is that of the file, or the reference.
// `user_file` is as there. Blocks; leaves no thread behind. Errors: those of resolveComponent() and
// oci::Artifacts::pull().
[[nodiscard]] Result<ResolvedComponent> resolveComponentOrReference(const std::string& argument,
                                                                    const ReferenceFlags& flags,
                                                                    const std::string& user_file);

// A short name for it: the file's without its ending, or the last part of the repository.
[[nodiscard]] std::string shortNameOf(const std::string& path);

}  // namespace nimbus::wash
