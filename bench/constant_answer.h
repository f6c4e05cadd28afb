#pragma once

#include <string_view>

namespace nimbus::bench {

// What both servers without a guest answer to every request.
inline constexpr std::string_view kConstantAnswer = "Hello from a loop!\n";

}  // namespace nimbus::bench
