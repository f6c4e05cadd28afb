#pragma once

#include <cstdint>
#include <string>

namespace nimbus {

// "16 MiB" of a whole number of them, else "1000 bytes".
[[nodiscard]] std::string mebibytesText(std::uint64_t bytes);

}  // namespace nimbus
