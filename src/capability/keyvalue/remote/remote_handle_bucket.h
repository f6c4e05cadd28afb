#pragma once

#include <memory>
#include <string>

#include "capability/keyvalue/remote/remote_call.h"
#include "capability/keyvalue/store.h"

namespace nimbus::keyvalue {

// A bucket of a provider that speaks wasi:keyvalue. Nothing is open between calls.
[[nodiscard]] std::shared_ptr<Bucket> remoteHandleBucket(
    std::shared_ptr<const RemoteProvider> provider, std::string name);

// Whether the provider answers to wasi:keyvalue at all; the error is that of the wire.
[[nodiscard]] Task<Result<void>> probeHandles(std::shared_ptr<const RemoteProvider> provider,
                                              std::string bucket);

}  // namespace nimbus::keyvalue
