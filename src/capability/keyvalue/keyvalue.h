#pragma once

#include <memory>

#include "capability/keyvalue/store.h"
#include "wrpc/service.h"

namespace nimbus::keyvalue {

// A keyspace as something that can be called: wasi:keyvalue@0.2.0-draft (store, atomics, batch),
// and the same flat as wrpc:keyvalue@0.2.0-draft. Who calls is not looked at: give each consumer
// the keyspace that is its own. Failures of the storage become the error that WIT declares.
[[nodiscard]] std::shared_ptr<wrpc::ServiceInvoker> serveKeyValue(
    std::shared_ptr<Keyspace> keyspace, wrpc::ServiceOptions options = {});

}  // namespace nimbus::keyvalue
