#pragma once

#include <string>

#include "base/result.h"

namespace nimbus::wash {

// Where `wash host` listens for administration and `wash workload` looks for it, unless told
// otherwise: $XDG_RUNTIME_DIR/nimbus/admin.sock; /run/nimbus/admin.sock for root;
// /tmp/nimbus-<uid>/admin.sock else.
[[nodiscard]] std::string defaultAdminSocket();

// Makes the folder of the socket that the host is to listen at, for this user alone, if it is
// missing. The default one is refused if another user owns it or can write there: manifests with
// secrets go through it.
[[nodiscard]] Result<void> makeFolderOf(const std::string& admin_socket);

// The default socket for a client; refused if another user could have put it there.
[[nodiscard]] Result<std::string> trustedAdminSocket();

}  // namespace nimbus::wash
