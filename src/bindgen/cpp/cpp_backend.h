#pragma once

#include <string>
#include <utility>
#include <vector>

#include "bindgen/backend.h"

namespace nimbus::bindgen::cpp {

// C++23 over src/wrpc, as docs/bindings-cpp.md describes it: for each unit `ns/pkg/name.h` and
// `.cc`.
class CppBackend final : public Backend {
 public:
  explicit CppBackend(BackendOptions options) : options_(std::move(options)) {}

  [[nodiscard]] Result<std::vector<GeneratedFile>> generate(
      const wit::Document& document, const std::vector<Unit>& units) const override;

 private:
  BackendOptions options_;
};

}  // namespace nimbus::bindgen::cpp
