#include "engine/code_cache_file.h"

#include <algorithm>
#include <string_view>

namespace nimbus::engine {
namespace {

constexpr std::string_view kMagic = "NIMBCODE";
constexpr std::uint32_t kVersion = 2;

constexpr std::size_t kDigestBytes = sizeof(Sha256);
constexpr std::size_t kHeadBytes = kTrailerBytes - kDigestBytes;
using Head = std::array<std::uint8_t, kHeadBytes>;  // all but the digest, which covers it

template <typename Number>
void put(std::uint8_t*& out, Number value) {
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    *out++ = static_cast<std::uint8_t>(value >> (8 * i));
  }
}

Head encodeHead(const CodeKey& key, std::uint64_t code_bytes) {
  Head bytes{};
  std::uint8_t* out = std::ranges::copy(asBytes(kMagic), bytes.data()).out;
  put(out, kVersion);
  put(out, std::uint32_t{0});
  put(out, code_bytes);
  out = std::ranges::copy(key.fingerprint, out).out;
  std::ranges::copy(key.component, out);
  return bytes;
}

}  // namespace

CodeTrailer encodeTrailer(const CodeKey& key, ByteView code) {
  const Head head = encodeHead(key, code.size());
  CodeTrailer bytes{};
  std::uint8_t* digest = std::ranges::copy(head, bytes.data()).out;
  std::ranges::copy(sha256(code, head), digest);
  return bytes;
}

std::optional<ByteView> verifyCodeFile(ByteView file, const CodeKey& key) {
  if (file.size() <= kTrailerBytes) return std::nullopt;
  const ByteView code = file.first(file.size() - kTrailerBytes);
  const ByteView head = file.subspan(code.size(), kHeadBytes);
  if (!std::ranges::equal(head, encodeHead(key, code.size()))) return std::nullopt;
  // The head follows the code: both are hashed in one go.
  const Sha256 digest = sha256(file.first(file.size() - kDigestBytes));
  if (!std::ranges::equal(file.last(kDigestBytes), digest)) return std::nullopt;
  return code;
}

}  // namespace nimbus::engine
