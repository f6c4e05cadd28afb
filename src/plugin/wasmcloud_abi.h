#pragma once

#include "plugin/abi.h"

namespace nimbus::plugin {

// wasmcloud:wash@0.0.1 and @0.0.2, which differ in that runners of 0.0.1 can print.
//
// Of flags, the name in the list counts and not that of the argument; every value is a text, and
// one is required exactly if it has no default. Hooks know the commands build, doctor, dev and oci
// push only, and no outcome.
[[nodiscard]] const AbiAdapter& wasmcloudAbi001();
[[nodiscard]] const AbiAdapter& wasmcloudAbi002();

}  // namespace nimbus::plugin
