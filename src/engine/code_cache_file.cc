#include "engine/code_cache_file.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace nimbus::engine {
namespace {

constexpr std::string_view kMagic = "NIMBCODE";
constexpr std::uint32_t kVersion = 1;

template <typename Number>
void put(std::uint8_t*& out, Number value) {
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    *out++ = static_cast<std::uint8_t>(value >> (8 * i));
  }
}

template <typename Number>
Number get(const std::uint8_t*& in) {
  Number value = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) value |= Number{*in++} << (8 * i);
  return value;
}

}  // namespace

std::array<std::uint8_t, kTrailerBytes> encodeTrailer(const CodeTrailer& trailer) {
  std::array<std::uint8_t, kTrailerBytes> bytes{};
  std::uint8_t* out = std::ranges::copy(asBytes(kMagic), bytes.data()).out;
  put(out, kVersion);
  put(out, std::uint32_t{0});
  put(out, trailer.code_bytes);
  out = std::ranges::copy(trailer.fingerprint, out).out;
  std::ranges::copy(trailer.code_digest, out);
  return bytes;
}

std::optional<CodeTrailer> verifyCodeFile(ByteView file,
                                          const std::array<std::uint8_t, 16>& fingerprint) {
  if (file.size() <= kTrailerBytes) return std::nullopt;
  const ByteView code = file.first(file.size() - kTrailerBytes);
  const std::uint8_t* in = code.data() + code.size();
  if (std::memcmp(in, kMagic.data(), kMagic.size()) != 0) return std::nullopt;
  in += kMagic.size();
  if (get<std::uint32_t>(in) != kVersion || get<std::uint32_t>(in) != 0) return std::nullopt;
  CodeTrailer trailer;
  trailer.code_bytes = get<std::uint64_t>(in);
  std::copy_n(in, trailer.fingerprint.size(), trailer.fingerprint.begin());
  in += trailer.fingerprint.size();
  std::copy_n(in, trailer.code_digest.size(), trailer.code_digest.begin());
  if (trailer.code_bytes != code.size() || trailer.fingerprint != fingerprint) return std::nullopt;
  if (trailer.code_digest != sha256(code)) return std::nullopt;
  return trailer;
}

}  // namespace nimbus::engine
