#include "bindgen/support_check.h"

#include <fmt/format.h>

#include "wit/type_facts.h"

namespace nimbus::bindgen {

namespace {

Result<void> refuse(const Unit& unit, std::string_view where, std::string_view what) {
  return fail(ErrorCode::kUnsupported,
              fmt::format("{} of {}: not supported: {}", where,
                          unit.instance.empty() ? unit.name : unit.instance, what));
}

}  // namespace

Result<void> checkSupported(const wit::Document& document, const Unit& unit) {
  wit::TypeFactBook facts(document);
  for (const wit::TypeIndex type : unit.types) {
    const wit::TypeFacts& of = facts.of(type);
    if (!of.unsupported.empty())
      return refuse(unit, "type " + document.at(type).name.value_or(""), of.unsupported);
  }
  for (const wit::Function* function : unit.functions) {
    const std::string where = "function " + function->name;
    for (const wit::Field& param : function->params) {
      const wit::TypeFacts& of = facts.of(param.type);
      if (!of.unsupported.empty()) return refuse(unit, where, of.unsupported);
    }
    const wit::TypeFacts result = facts.ofOptional(function->result);
    if (!result.unsupported.empty()) return refuse(unit, where, result.unsupported);
    if (result.borrows) return refuse(unit, where, "a result that lends a resource");
  }
  return {};
}

}  // namespace nimbus::bindgen
