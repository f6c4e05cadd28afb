#include "bindgen/cpp/cpp_backend.h"

#include "bindgen/cpp/functions.h"
#include "bindgen/cpp/header.h"
#include "bindgen/cpp/scope.h"

namespace nimbus::bindgen::cpp {

Result<std::vector<GeneratedFile>> CppBackend::generate(const wit::Document& document,
                                                        const std::vector<Unit>& units) const {
  const Scope scope(document, units, options_.name_space);
  std::vector<GeneratedFile> files;
  for (std::size_t i = 0; i < units.size(); ++i) {
    const Scope::Place& place = scope.place(i);
    const std::vector<CppFunction> functions = functionsOf(units[i], scope, place.name_space);
    files.push_back({place.path + ".h", header(units[i], scope, place, functions)});
    files.push_back({place.path + ".cc", source(units[i], scope, place, functions)});
  }
  return files;
}

}  // namespace nimbus::bindgen::cpp
