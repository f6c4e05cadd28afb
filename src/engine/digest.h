#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace nimbus::engine {

using Sha256 = std::array<std::uint8_t, 32>;

[[nodiscard]] Sha256 sha256(ByteView bytes);
// Of both, one after the other.
[[nodiscard]] Sha256 sha256(ByteView first, ByteView second);

// Lower-case hexadecimal.
[[nodiscard]] std::string toHex(ByteView bytes);

// "sha256:<hex>", the form of OCI descriptors.
[[nodiscard]] std::string digestText(const Sha256& digest);

}  // namespace nimbus::engine
