#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "wrpc/invoker.h"

namespace nimbus::config {

using Values = std::map<std::string, std::string, std::less<>>;

// These values as wasi:config/store@0.2.0-rc.1 and wasi:config/runtime@0.2.0-draft. Immutable:
// another configuration is another Invoker, and a Link replaces one by the other.
[[nodiscard]] std::shared_ptr<wrpc::Invoker> serveConfig(Values values);

// The same for values that change meanwhile: `read` is asked with every call, on the caller's
// shard, and what it returns is looked at before the next call.
using ReadValues = std::function<const Values&()>;
[[nodiscard]] std::shared_ptr<wrpc::Invoker> serveChangingConfig(ReadValues read);

}  // namespace nimbus::config
