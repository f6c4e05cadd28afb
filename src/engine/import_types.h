#pragma once

#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "wit/document.h"
#include "wrpc/invoker.h"

namespace nimbus::engine {

// What the functions return that a component imports, by its own world: a wire must know, for a
// call whose results are streams to return before anything is in them. Immutable.
class ImportTypes {
 public:
  // Of a component, not a module. Errors: those of wit::worldJson().
  [[nodiscard]] static Result<ImportTypes> read(ByteView component);

  // `import` as the component names it, empty for functions of the world; `wire_name` as on the
  // wire. Null: unknown, or not to be told beforehand.
  [[nodiscard]] std::shared_ptr<const wrpc::TupleShape> results(std::string_view import,
                                                                std::string_view wire_name) const;

 private:
  [[nodiscard]] const wit::Function* find(std::string_view import,
                                          std::string_view wire_name) const;

  std::shared_ptr<const wit::Document> document_;
};

}  // namespace nimbus::engine
