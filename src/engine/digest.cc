#include "engine/digest.h"

#include <openssl/evp.h>

#include <memory>

#include "base/check.h"

namespace nimbus::engine {

Sha256 sha256(ByteView bytes) { return sha256(bytes, {}); }

Sha256 sha256(ByteView first, ByteView second) {
  Sha256 digest{};
  unsigned int size = 0;
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                   EVP_MD_CTX_free);
  NIMBUS_CHECK(context != nullptr);
  const bool done = EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1 &&
                    EVP_DigestUpdate(context.get(), first.data(), first.size()) == 1 &&
                    EVP_DigestUpdate(context.get(), second.data(), second.size()) == 1 &&
                    EVP_DigestFinal_ex(context.get(), digest.data(), &size) == 1;
  NIMBUS_CHECK(done && size == digest.size());
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
