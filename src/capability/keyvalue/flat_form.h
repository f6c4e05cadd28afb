#pragma once

#include <memory>
#include <vector>

#include "capability/keyvalue/store.h"
#include "wrpc/service.h"

namespace nimbus::keyvalue {

// wrpc:keyvalue: store, atomics and batch, where each function names its bucket.
[[nodiscard]] std::vector<wrpc::Interface> flatForm(std::shared_ptr<Keyspace> keyspace);

}  // namespace nimbus::keyvalue
