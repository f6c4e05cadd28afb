#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wit/component_info.h"

namespace nimbus::wit {

// Several components to be made one, so that calls between them are calls inside of a component.
// The first part is the root: the result exports what it exports. Parts are given by index, names
// as in the binaries, with version.
struct Composition {
  struct Part {
    std::string name;    // unique; for labels and messages
    Bytes wasm;          // a component
    ComponentInfo info;  // what inspectComponent() says of it
    std::string digest;  // of these bytes, if it is known: whoever gives it is believed
  };
  // The import of one part is the export of another.
  struct Link {
    std::size_t importer = 0;
    std::string import_name;
    std::size_t exporter = 0;
    std::string export_name;
  };
  // An import that stays the part's own: the result imports it under this name.
  struct Label {
    std::size_t part = 0;
    std::string import_name;  // the interface that the label stands for, with version
    std::string label;
  };
  std::vector<Part> parts;
  std::vector<Link> links;
  std::vector<Label> labels;
};

// The composed component. What is neither linked nor labelled is imported once for all parts. The
// same composition gives the same bytes. kInvalidArgument, naming component and interface, if the
// parts do not fit together.
[[nodiscard]] Result<Bytes> compose(const Composition& composition);

// Labels for all imports of the parts that no link satisfies and that must not be shared:
// "<part>-<interface>".
[[nodiscard]] std::vector<Composition::Label> labelsFor(const Composition& composition);

}  // namespace nimbus::wit
