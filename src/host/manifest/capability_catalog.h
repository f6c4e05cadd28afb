#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/manifest/manifest.h"

namespace nimbus::host {

// An interface package that providers inside the host serve.
struct Capability {
  std::string_view package;  // "wasi:keyvalue"
  std::string_view version;  // matched exactly: they are drafts
  std::span<const std::string_view> interfaces;
  std::span<const std::string_view> providers;  // the first is the default
  // A component that imports it has it without an entry in its manifest.
  enum class Grant { kNeedsEntry, kAlways };
  Grant grant;
};

[[nodiscard]] std::span<const Capability> capabilities();

// "wasi:keyvalue/store@0.2.0-draft".
[[nodiscard]] std::string interfaceId(const Capability& capability, std::string_view interface);

// The capability that has that interface ("wasi:keyvalue/store@0.2.0-draft"), or null.
[[nodiscard]] const Capability* findCapability(std::string_view interface_id);

// Whether the entry of a manifest speaks of the interface: its package, and where the entry names
// them, a compatible version (wit::interfaceMatches) and the interface itself.
[[nodiscard]] bool entryCovers(const HostInterface& entry, std::string_view interface_id);

// Whether an entry can be served as it says: a provider that exists and has the interfaces, and
// configuration that it knows. kUnsupported with the name of what is missing.
[[nodiscard]] Result<void> checkEntry(const HostInterface& entry);

// What is needed for the import: "add to hostInterfaces: {…}", or a flag where there is one for it.
[[nodiscard]] std::string howToProvide(std::string_view interface_id,
                                       InterfacesBy by = InterfacesBy::kManifest);

}  // namespace nimbus::host
