#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "engine/component.h"

namespace nimbus::engine {

// Whether the export that a component is run by has the type by which the host calls it. The engine
// compares types only once it calls, and that is too late: a component that looked well would fail
// in each of its calls. Right is also a library, which has no such export, and a component whose
// types the tools cannot tell, which the engine may know how to compile all the same.
// Errors: kUnsupported, with the export's name, its type and the expected one.
[[nodiscard]] Result<void> checkEntryType(ByteView component, ComponentKind kind);

}  // namespace nimbus::engine
