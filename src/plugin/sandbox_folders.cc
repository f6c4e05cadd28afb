#include "plugin/sandbox_folders.h"

#include <filesystem>
#include <string>
#include <system_error>

#include "base/files.h"

namespace nimbus::plugin {

Result<std::vector<Permissions::Folder>> sandboxFolders(const Plugin& plugin,
                                                        const Permissions& permissions) {
  std::vector<Permissions::Folder> folders = permissions.folders();
  std::erase_if(folders, [](const Permissions::Folder& folder) {
    std::error_code error;
    return !std::filesystem::is_directory(folder.host_path, error);
  });
  if (const std::string& own = plugin.scratch_folder; !own.empty()) {
    TRY_VOID(ensurePrivateFolder(own));
    folders.push_back({own, "/plugin_data", false});
    folders.push_back({own, "/tmp", false});
  }
  return folders;
}

}  // namespace nimbus::plugin
