#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "engine/digest.h"

// The last bytes of a file of the code cache; docs/formats/code-cache.md. They stand at the end so
// that the code before them can be mapped as it is.
namespace nimbus::engine {

inline constexpr std::size_t kTrailerBytes = 8 + 4 + 4 + 8 + 16 + 32 + 32;

// What a file is for.
struct CodeKey {
  Sha256 component{};                          // digest of what was compiled
  std::array<std::uint8_t, 16> fingerprint{};  // of the engine that runs it
};

using CodeTrailer = std::array<std::uint8_t, kTrailerBytes>;

// What follows that code in a file for that key.
[[nodiscard]] CodeTrailer encodeTrailer(const CodeKey& key, ByteView code);

// The code in a whole file; nothing if it is not exactly what would be written for that key.
[[nodiscard]] std::optional<ByteView> verifyCodeFile(ByteView file [[clang::lifetimebound]],
                                                     const CodeKey& key);

}  // namespace nimbus::engine
