#include "plugin/folder_lock.h"

#include "base/file_lock.h"
#include "base/files.h"

namespace nimbus::plugin {

Result<UniqueFd> lockPluginFolder(const std::string& folder) {
  TRY_VOID(ensurePrivateFolder(folder));
  return lockFile(folder + "/.lock");
}

}  // namespace nimbus::plugin
