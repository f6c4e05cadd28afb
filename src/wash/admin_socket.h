#pragma once

#include <string>

namespace nimbus::wash {

// Where `wash host` listens for administration and `wash workload` looks for it, unless told
// otherwise: $XDG_RUNTIME_DIR/nimbus/admin.sock; /run/nimbus/admin.sock for root;
// /tmp/nimbus-<uid>/admin.sock else.
[[nodiscard]] std::string defaultAdminSocket();

}  // namespace nimbus::wash
