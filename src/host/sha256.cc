#include "host/sha256.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <fmt/format.h>

#include "base/check.h"

namespace nimbus::host {

std::array<std::uint8_t, 32> sha256(std::string_view text) {
  std::array<std::uint8_t, 32> digest{};
  NIMBUS_CHECK(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(),
                          nullptr) == 1);
  return digest;
}

std::string sha256Hex(std::string_view text) {
  std::string hex;
  for (const std::uint8_t byte : sha256(text)) hex += fmt::format("{:02x}", byte);
  return hex;
}

bool equalInConstantTime(std::string_view a, std::string_view b) {
  const auto left = sha256(a);
  const auto right = sha256(b);
  return CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace nimbus::host
