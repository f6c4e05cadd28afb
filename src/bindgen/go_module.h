#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nimbus::bindgen {

// Where a folder stands among Go's packages.
struct GoPackages {
  std::string module;   // of the go.mod
  std::string package;  // the import path of the folder
};

// By the nearest go.mod in or above the folder, which need not exist yet. kNotFound without one;
// kInvalidArgument if it names no module.
[[nodiscard]] Result<GoPackages> findGoPackages(const std::filesystem::path& folder);

// The module that a go.mod names; empty if it names none.
[[nodiscard]] std::string moduleOf(std::string_view go_mod);

}  // namespace nimbus::bindgen
