#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "wrpc/provider_server.h"

namespace nimbus::wash {

// A built-in provider on its own, with whatever it keeps open.
struct ServedProvider {
  std::shared_ptr<void> store;
  wrpc::ServedFunctions functions;
};

using ProviderConfig = std::map<std::string, std::string, std::less<>>;

// Makes the provider of that name; may block. kInvalidArgument: no such provider, a key that it
// does not know, or one that is missing.
//   keyvalue-sqlite: path (of the database), max-bytes, max-keys
//   keyvalue-memory: max-bytes, max-keys
[[nodiscard]] Result<ServedProvider> makeServedProvider(std::string_view name,
                                                        const ProviderConfig& config);

}  // namespace nimbus::wash
