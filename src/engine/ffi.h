#pragma once

#include <string_view>
#include <vector>

#include "base/byte_chain.h"
#include "base/bytes.h"
#include "base/result.h"
#include "http/headers.h"
#include "rust/engine.h"

// Conversions between our types and those of rust/engine.h. Internal to src/engine.
namespace nimbus::engine {

[[nodiscard]] inline NimbusStr toStr(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline NimbusStr toStr(ByteView bytes) { return {bytes.data(), bytes.size()}; }
[[nodiscard]] inline std::string_view toView(NimbusStr text) {
  return {reinterpret_cast<const char*>(text.data), text.size};
}

// Views into `headers`, valid until it changes.
[[nodiscard]] std::vector<NimbusField> toFields(const http::Headers& headers);
void appendFields(http::Headers& headers, const NimbusField* fields, std::size_t count);

// Small pieces are copied by the receiver, large ones shared.
[[nodiscard]] NimbusOwnedBytes toOwned(Bytes bytes);
// Takes over what Rust handed out.
[[nodiscard]] Bytes fromOwned(const NimbusOwnedBytes& owned);

// The same onto a chain.
void appendOwned(ByteChain& to, const NimbusOwnedBytes& owned);

// The calling thread's last error as an Error with `what` before it.
[[nodiscard]] std::unexpected<Error> failLast(ErrorCode code, std::string_view what);

}  // namespace nimbus::engine
