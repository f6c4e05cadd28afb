#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bindgen/units.h"
#include "wit/document.h"

namespace nimbus::bindgen {

struct GeneratedFile {
  std::string path;  // below the output folder
  std::string text;
};

struct BackendOptions {
  // Where the generated code stands in the language's own hierarchy of names; empty: at its top.
  std::string name_space;
};

// Makes bindings for one language. One folder per language implements it.
class Backend {
 public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  // The files of these units; the same input gives the same text. kUnsupported names what the
  // language or the encoding cannot express.
  [[nodiscard]] virtual Result<std::vector<GeneratedFile>> generate(
      const wit::Document& document, const std::vector<Unit>& units) const = 0;
};

}  // namespace nimbus::bindgen
