#include "engine/digest.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace nimbus::engine {

Sha256 sha256(ByteView bytes) {
  Sha256 digest{};
  unsigned int size = 0;
  const int done =
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  NIMBUS_CHECK(done == 1 && size == digest.size());
  return digest;
}

std::string toHex(ByteView bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string digestText(const Sha256& digest) { return "sha256:" + toHex(digest); }

}  // namespace nimbus::engine
