#include "host/admin/constant_time.h"

#include <openssl/crypto.h>

#include "engine/digest.h"

namespace nimbus::host {

bool equalInConstantTime(std::string_view a, std::string_view b) {
  const engine::Sha256 left = engine::sha256(asBytes(a));
  const engine::Sha256 right = engine::sha256(asBytes(b));
  return CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace nimbus::host
