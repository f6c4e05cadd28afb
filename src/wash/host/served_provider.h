#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "wrpc/provider_server.h"

namespace nimbus::wash {

// A built-in provider on its own, with whatever it keeps open.
struct ServedProvider {
  std::shared_ptr<void> store;
  wrpc::ServedFunctions functions;
};

using ProviderConfig = std::map<std::string, std::string, std::less<>>;

enum class ProviderKind {
  kKeyValueSqlite,  // path (of the database), max-bytes, max-keys
  kKeyValueMemory,  // max-bytes, max-keys
  kKeyValueRedis    // url, password-file, prefix, ca-file, max-bytes, max-keys
};

// Whether the provider can be made so, as far as that is known before anything is opened.
// kInvalidArgument: a key that it does not know, one that is missing, or a value that is wrong.
[[nodiscard]] Result<void> checkServedProvider(ProviderKind kind, const ProviderConfig& config);

// Makes it; may block. The same errors, and those of the database.
[[nodiscard]] Result<ServedProvider> makeServedProvider(ProviderKind kind,
                                                        const ProviderConfig& config);

}  // namespace nimbus::wash
