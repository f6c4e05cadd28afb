#pragma once

#include <string>

namespace nimbus::project {

// What the component of the project in that folder is called beside others: "http-hello" for
// "/home/x/HTTP_Hello", a DNS label.
[[nodiscard]] std::string componentNameOf(const std::string& folder);

}  // namespace nimbus::project
