#pragma once

#include <cstddef>

#include "wrpc/channel_table.h"

namespace nimbus::wrpc {

// What a peer may make one side of a framed connection hold.
struct FramedLimits {
  std::size_t max_root_bytes = 64 * 1024 * 1024;  // parameters or results without their streams
  ChannelLimits channels;
};

}  // namespace nimbus::wrpc
