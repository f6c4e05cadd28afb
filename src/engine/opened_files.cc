#include "engine/opened_files.h"

#include "engine/ffi.h"
#include "rust/files.h"

namespace nimbus::engine {

std::vector<std::string> volumesOfFile(int descriptor) {
  std::vector<std::string> volumes;
  nimbus_volumes_of_file(descriptor, &volumes, [](void* context, NimbusStr host_path) {
    static_cast<std::vector<std::string>*>(context)->emplace_back(toView(host_path));
  });
  return volumes;
}

}  // namespace nimbus::engine
