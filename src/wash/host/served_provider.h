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

// Whether the provider of that name can be made so, as far as that is known before anything is
// opened. kInvalidArgument: no such provider, a key that it does not know, one that is missing, or
// a value that is wrong.
//   keyvalue-sqlite: path (of the database), max-bytes, max-keys
//   keyvalue-memory: max-bytes, max-keys
[[nodiscard]] Result<void> checkServedProvider(std::string_view name, const ProviderConfig& config);

// Makes it; may block. The same errors, and those of the database.
[[nodiscard]] Result<ServedProvider> makeServedProvider(std::string_view name,
                                                        const ProviderConfig& config);

}  // namespace nimbus::wash
