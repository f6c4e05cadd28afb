#pragma once

#include <cstddef>
#include <string_view>

namespace nimbus::wash {

// Standard error as a screen: whether a line on it can be rewritten, and how wide it is.
class Screen {
 public:
  // No terminal, or one that knows no control sequences (TERM is unset or `dumb`), is none.
  [[nodiscard]] static bool isThere();
  // As wide as it is now; 80 where it does not say.
  [[nodiscard]] static std::size_t columns();
  // Colours are wanted: https://no-color.org.
  [[nodiscard]] static bool hasColours();
  // Blocks while it takes nothing; what cannot be written is lost.
  static void write(std::string_view text);
};

}  // namespace nimbus::wash
