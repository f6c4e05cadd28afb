#pragma once

#include "base/bytes.h"

namespace nimbus {

// Whether the bytes are well-formed UTF-8 (Unicode 15, table 3-7): no overlong forms, no
// surrogates, nothing above U+10FFFF.
[[nodiscard]] bool isUtf8(ByteView bytes);

// One scalar value: neither a surrogate nor above U+10FFFF.
[[nodiscard]] constexpr bool isScalarValue(char32_t c) {
  return c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
}

}  // namespace nimbus
