#include "oci/digest.h"

#include <algorithm>

#include <openssl/evp.h>

#include "base/check.h"

namespace nimbus::oci {
namespace {

constexpr std::string_view kPrefix = "sha256:";
constexpr std::size_t kHexBytes = 64;

bool isLowerHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

std::optional<Digest> Digest::parse(std::string_view text) {
  if (!text.starts_with(kPrefix)) return std::nullopt;
  const std::string_view hex = text.substr(kPrefix.size());
  if (hex.size() != kHexBytes || !std::ranges::all_of(hex, isLowerHex)) return std::nullopt;
  return Digest(std::string(text));
}

Digest Digest::of(ByteView bytes) {
  Hasher hasher;
  hasher.add(bytes);
  return hasher.finish();
}

std::string_view Digest::hex() const {
  return std::string_view(text_).substr(std::min(kPrefix.size(), text_.size()));
}

struct Hasher::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
};

Hasher::Hasher() : state_(std::make_unique<State>()) {
  NIMBUS_CHECK(state_->context != nullptr);
  restart();
}

Hasher::~Hasher() { EVP_MD_CTX_free(state_->context); }

void Hasher::restart() {
  NIMBUS_CHECK(EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1);
}

void Hasher::add(ByteView bytes) {
  NIMBUS_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

Digest Hasher::finish() {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<std::uint8_t, kHexBytes / 2> raw{};
  unsigned int size = 0;
  NIMBUS_CHECK(EVP_DigestFinal_ex(state_->context, raw.data(), &size) == 1 && size == raw.size());
  restart();
  std::string text(kPrefix);
  for (const std::uint8_t byte : raw) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return Digest(std::move(text));
}

}  // namespace nimbus::oci
