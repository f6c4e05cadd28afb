#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace nimbus::host {

[[nodiscard]] std::array<std::uint8_t, 32> sha256(std::string_view text);
// 64 lower-case hexadecimal digits.
[[nodiscard]] std::string sha256Hex(std::string_view text);

// Whether both texts are equal, in a time that says nothing about where they differ.
[[nodiscard]] bool equalInConstantTime(std::string_view a, std::string_view b);

}  // namespace nimbus::host
