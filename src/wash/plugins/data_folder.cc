#include "wash/plugins/data_folder.h"

#include "project/directories.h"

namespace nimbus::wash {

std::string pluginsFolder() {
  return project::findDataFolder(project::processVariables()).value_or("/dev/null/wash") +
         "/plugins";
}

Result<void> checkDataFolder() {
  TRY_VOID(project::findDataFolder(project::processVariables()));
  return {};
}

}  // namespace nimbus::wash
