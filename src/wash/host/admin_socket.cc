#include "wash/host/admin_socket.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/files.h"

namespace nimbus::wash {

std::string defaultAdminSocket() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && *runtime == '/') return std::string(runtime) + "/nimbus/admin.sock";
  if (::geteuid() == 0) return "/run/nimbus/admin.sock";
  return "/tmp/nimbus-" + std::to_string(::geteuid()) + "/admin.sock";
}

Result<void> makeFolderOf(const std::string& admin_socket) {
  const std::filesystem::path folder = std::filesystem::path(admin_socket).parent_path();
  if (folder.empty()) return {};
  if (admin_socket == defaultAdminSocket()) return ensureOwnFolder(folder.string());
  std::error_code error;
  if (std::filesystem::exists(folder, error)) return {};  // as the operator has made it
  return ensurePrivateFolder(folder.string());
}

Result<std::string> trustedAdminSocket() {
  std::string socket = defaultAdminSocket();
  // Whoever serves below /run was let in there by root.
  if (socket.starts_with("/run/")) return socket;
  auto checked = checkOwnFolder(std::filesystem::path(socket).parent_path().string());
  // A folder that is missing is for connect() to report.
  if (!checked && checked.error().code() == ErrorCode::kPermissionDenied)
    return fail(ErrorCode::kPermissionDenied, "cannot trust " + socket, std::move(checked).error());
  return socket;
}

}  // namespace nimbus::wash
