#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "wrpc/address.h"

namespace nimbus::host {

// A provider inside the host, by its name: "keyvalue-sqlite".
struct BuiltInProvider {
  std::string name;
  friend bool operator==(const BuiltInProvider&, const BuiltInProvider&) = default;
};

// A component that exports what is wanted.
struct ComponentProvider {
  std::string workload;  // "<namespace>/<name>", or "<name>"; empty: the consumer's own
  std::string component;
  friend bool operator==(const ComponentProvider&, const ComponentProvider&) = default;
};

// What the program around the host brings along (ProvidersOptions::given), by the name it has
// there.
struct GivenProvider {
  std::string name;
  friend bool operator==(const GivenProvider&, const GivenProvider&) = default;
};

// Who is to serve an interface, as a manifest's `provider` says it: the name of a built-in one, an
// address of wRPC (unix:…, tcp:…, nats:…), component:NAME or workload:[NAMESPACE/]NAME/COMPONENT;
// in manifests that are no user's, given:NAME.
using ProviderRef =
    std::variant<BuiltInProvider, wrpc::ProviderAddress, ComponentProvider, GivenProvider>;

// kInvalidArgument with what is wrong. Whether a built-in provider of that name exists is not
// looked at.
[[nodiscard]] Result<ProviderRef> parseProviderRef(std::string_view text);

}  // namespace nimbus::host
