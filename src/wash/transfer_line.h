#pragma once

#include <memory>
#include <string>

#include "oci/progress.h"

namespace nimbus::wash {

// Shows on standard error how a transfer gets on, in one line that is rewritten a few times a
// second and goes when it ends. Null if standard error is no terminal.
[[nodiscard]] std::unique_ptr<oci::Progress> makeTransferLine();

// The text of that line: "ghcr.io/acme/web:1  12.3 of 50.0 MiB  8.1 MiB/s", cut to so many columns.
[[nodiscard]] std::string transferText(std::string_view what, std::uint64_t done,
                                       std::uint64_t total, double bytes_per_second,
                                       std::size_t columns);

// "512 B", "3.4 KiB", "12.0 MiB".
[[nodiscard]] std::string byteText(double bytes);

}  // namespace nimbus::wash
