#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "net/shard.h"
#include "rust/engine.h"
#include "wrpc/invoker.h"

// Streams and futures between guests and wrpc::ByteSource. Internal to src/engine.
namespace nimbus::engine {

// Something that is in use as long as one of its tokens lives.
using UseToken = std::shared_ptr<const void>;

// The streams and futures of a guest as channels. Each pulls: the guest goes on writing once what
// it wrote was read. They outlive the guest, and fail once it is gone (kUnavailable), unless they
// had ended. Of the shard that polls the guest. `use` is kept by each until it goes.
[[nodiscard]] std::vector<wrpc::Channel> channelsOf(net::Shard& shard,
                                                    const NimbusOutgoing* outgoing,
                                                    std::size_t count, const UseToken& use);

// The channels of the values for a guest; the bytes stay. The guest pulls them, within its polls.
[[nodiscard]] NimbusChannels lendChannels(wrpc::Values&& values);

}  // namespace nimbus::engine
