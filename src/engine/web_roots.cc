#include "engine/web_roots.h"

#include "rust/authorities.h"

namespace nimbus::engine {

std::vector<std::string_view> webRoots() {
  std::vector<std::string_view> roots;
  std::size_t size = 0;
  while (const std::uint8_t* certificate = nimbus_web_root(roots.size(), &size))
    roots.emplace_back(reinterpret_cast<const char*>(certificate), size);
  return roots;
}

}  // namespace nimbus::engine
