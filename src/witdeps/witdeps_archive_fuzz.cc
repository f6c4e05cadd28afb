// Whatever an archive says, what is kept of it is WIT with paths that lead nowhere else.
#include <cstdint>

#include "base/check.h"
#include "witdeps/wit_tree.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto tree = nimbus::witdeps::WitTree::unpack(nimbus::ByteView(data, size));
  if (!tree) return 0;
  for (const auto& [path, text] : tree->files()) {
    NIMBUS_CHECK(path.ends_with(".wit") && !path.starts_with('/') && !path.contains("../"));
  }
  return 0;
}
