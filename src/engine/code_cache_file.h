#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "engine/digest.h"

// The last bytes of a file of the code cache; docs/formats/code-cache.md. They stand at the end so
// that the code before them can be mapped as it is.
namespace nimbus::engine {

inline constexpr std::size_t kTrailerBytes = 8 + 4 + 4 + 8 + 16 + 32;

struct CodeTrailer {
  std::uint64_t code_bytes = 0;
  std::array<std::uint8_t, 16> fingerprint{};
  Sha256 code_digest{};
};

[[nodiscard]] std::array<std::uint8_t, kTrailerBytes> encodeTrailer(const CodeTrailer& trailer);

// The trailer of a whole file, checked against the rest of it: magic, version, length, the
// fingerprint wanted, and the SHA-256 of the code. Nothing if any of them is off.
[[nodiscard]] std::optional<CodeTrailer> verifyCodeFile(
    ByteView file, const std::array<std::uint8_t, 16>& fingerprint);

}  // namespace nimbus::engine
