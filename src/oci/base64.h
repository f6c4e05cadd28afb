#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nimbus::oci {

// RFC 4648 section 4, with padding.
[[nodiscard]] std::string base64Encoded(std::string_view text);
// Nothing if the text is not of that form.
[[nodiscard]] std::optional<std::string> base64Decoded(std::string_view text);

}  // namespace nimbus::oci
