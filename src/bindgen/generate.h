#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "bindgen/backend.h"
#include "bindgen/units.h"

namespace nimbus::bindgen {

struct GenerateRequest {
  std::string language = "cpp";  // or "c", "go"
  std::filesystem::path wit;     // see loadWit()
  Selection selection;
  BackendOptions backend;
  std::filesystem::path out = ".";  // where the files will be
  std::string package;              // Go: the import path of `out`; empty: by its go.mod
};

// The bindings as text. kInvalidArgument for a language that has no backend.
[[nodiscard]] Result<std::vector<GeneratedFile>> generateBindings(const GenerateRequest& request);

// Writes the files below `folder`, those whose text changed only, so that nothing is compiled anew
// without need. Returns the paths of those that were written.
[[nodiscard]] Result<std::vector<std::string>> writeFiles(const std::vector<GeneratedFile>& files,
                                                          const std::filesystem::path& folder);

// The paths of the files that are missing below `folder`, or have another text.
[[nodiscard]] std::vector<std::string> staleFiles(const std::vector<GeneratedFile>& files,
                                                  const std::filesystem::path& folder);

}  // namespace nimbus::bindgen
