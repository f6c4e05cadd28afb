#include "wash/plugins/data_folder.h"

#include "project/directories.h"

namespace nimbus::wash {

std::string pluginsFolder() {
  const auto found = project::findDirectories(project::processVariables());
  return found ? found->plugins : "/dev/null/wash/plugins";
}

}  // namespace nimbus::wash
