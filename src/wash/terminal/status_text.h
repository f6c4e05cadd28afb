#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nimbus::wash {

// How far a transfer is.
struct TransferState {
  std::uint64_t done = 0;
  std::uint64_t total = 0;  // 0: nobody knows
  double bytes_per_second = 0;
};

// The text of a status line, at most so many columns:
//   "Compiling web.wasm  3 s"
//   "Pulling ghcr.io/acme/web:1 [####----] 12.3 MiB of 25.0 MiB  8.1 MiB/s"
// What does not fit goes: first the bar, then the end of `what`, then everything else.
[[nodiscard]] std::string statusText(std::string_view what, double seconds, std::size_t columns);
[[nodiscard]] std::string statusText(std::string_view what, const TransferState& transfer,
                                     std::size_t columns);

// "512 B", "3.4 KiB", "12.0 MiB".
[[nodiscard]] std::string byteText(double bytes);

// The beginning of a text in UTF-8 with so many characters at most.
[[nodiscard]] std::string_view firstColumns(std::string_view text, std::size_t columns);

}  // namespace nimbus::wash
