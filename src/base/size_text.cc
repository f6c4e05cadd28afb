#include "base/size_text.h"

namespace nimbus {

std::string mebibytesText(std::uint64_t bytes) {
  constexpr std::uint64_t kMiB = 1 << 20;
  return bytes % kMiB == 0 ? std::to_string(bytes / kMiB) + " MiB"
                           : std::to_string(bytes) + " bytes";
}

}  // namespace nimbus
