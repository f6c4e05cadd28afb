#include "wash/admin_socket.h"

#include <unistd.h>

#include <cstdlib>

namespace nimbus::wash {

std::string defaultAdminSocket() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && *runtime == '/') return std::string(runtime) + "/nimbus/admin.sock";
  if (::geteuid() == 0) return "/run/nimbus/admin.sock";
  return "/tmp/nimbus-" + std::to_string(::geteuid()) + "/admin.sock";
}

}  // namespace nimbus::wash
