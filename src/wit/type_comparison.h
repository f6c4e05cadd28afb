#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wit/document.h"

namespace nimbus::wit {

// Whether types of two documents are the same, and if not, where they begin to differ: "field `x`
// is u32 instead of u64". Types are compared as the component model does: by what they consist of,
// with the names of fields, cases, flags and parameters; resources by their name and their
// interface, in a compatible version. Names come from binaries and are escaped.
//
// Both documents outlive the comparison. Each pair of types is compared once, so that the time is
// bounded by the sizes of the documents however often a type is used.
class TypeComparison {
 public:
  TypeComparison(const Document& have, const Document& want) : have_(have), want_(want) {}

  // Nothing if `have` can stand where `want` is asked for.
  [[nodiscard]] std::optional<std::string> difference(const Function& have, const Function& want);
  [[nodiscard]] std::optional<std::string> difference(const TypeRef& have, const TypeRef& want);

 private:
  using Difference = std::optional<std::string>;
  using OptionalType = std::optional<TypeRef>;

  Difference kinds(TypeIndex have, TypeIndex want);
  Difference part(std::string_view where, const OptionalType& have, const OptionalType& want);
  Difference fields(std::string_view what, const std::vector<Field>& have,
                    const std::vector<Field>& want);

  Difference compare(const Record& have, const Record& want);
  Difference compare(const Variant& have, const Variant& want);
  Difference compare(const Enum& have, const Enum& want);
  Difference compare(const Flags& have, const Flags& want);
  Difference compare(const Tuple& have, const Tuple& want);
  Difference compare(const List& have, const List& want);
  Difference compare(const FixedLengthList& have, const FixedLengthList& want);
  Difference compare(const Map& have, const Map& want);
  Difference compare(const Option& have, const Option& want);
  Difference compare(const ResultType& have, const ResultType& want);
  Difference compare(const Stream& have, const Stream& want);
  Difference compare(const Future& have, const Future& want);
  Difference compare(const Handle& have, const Handle& want);
  Difference compare(const ResourceType& have, const ResourceType& want);
  Difference compare(const Alias& have, const Alias& want);

  const Document& have_;
  const Document& want_;
  std::set<std::pair<std::size_t, std::size_t>> same_;  // pairs that have been found equal
};

// A type in a few words: "u32", "record point", "a list".
[[nodiscard]] std::string shortTypeText(const Document& document, const TypeRef& type);

}  // namespace nimbus::wit
