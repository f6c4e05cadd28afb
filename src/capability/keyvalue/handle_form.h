#pragma once

#include <memory>
#include <vector>

#include "capability/keyvalue/store.h"
#include "wrpc/service.h"

namespace nimbus::keyvalue {

// wasi:keyvalue: store, atomics and batch, where a bucket is a resource.
[[nodiscard]] std::vector<wrpc::Interface> handleForm(std::shared_ptr<Keyspace> keyspace);

}  // namespace nimbus::keyvalue
