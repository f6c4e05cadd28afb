#pragma once

#include "nimbus_/wash/types.h"

namespace nimbus::plugin {

// The newest contract's types are this folder's own; what plugins of older ones say is turned into
// them (abi.h).
namespace types = contract::nimbus_::wash::types;

}  // namespace nimbus::plugin
