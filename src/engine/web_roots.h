#pragma once

#include <string_view>
#include <vector>

namespace nimbus::engine {

// The certificates (X.509, DER) of the authorities that Mozilla trusts for servers, which the
// program brings along: those of the version of crate webpki-root-certs that it was built with.
// They live as long as the process.
[[nodiscard]] std::vector<std::string_view> webRoots();

}  // namespace nimbus::engine
