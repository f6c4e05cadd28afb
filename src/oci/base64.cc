#include "oci/base64.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace nimbus::oci {
namespace {

constexpr std::size_t kMaxBytes = 64 * 1024;  // credentials are short; OpenSSL counts in int

const unsigned char* unsignedOf(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string base64Encoded(std::string_view text) {
  NIMBUS_CHECK_OP(text.size(), <=, kMaxBytes);
  std::string encoded(4 * ((text.size() + 2) / 3) + 1, '\0');  // and a terminating zero
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                   unsignedOf(text), static_cast<int>(text.size()));
  encoded.resize(static_cast<std::size_t>(size));
  return encoded;
}

std::optional<std::string> base64Decoded(std::string_view text) {
  if (text.size() > kMaxBytes || text.size() % 4 != 0) return std::nullopt;
  if (text.empty()) return std::string();
  std::string decoded(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(decoded.data()),
                                   unsignedOf(text), static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  decoded.resize(static_cast<std::size_t>(size) - padding);
  // OpenSSL takes white space, padding inside and stray bits; what we take is written in one way.
  if (base64Encoded(decoded) != text) return std::nullopt;
  return decoded;
}

}  // namespace nimbus::oci
