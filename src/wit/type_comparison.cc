#include "wit/type_comparison.h"

#include <array>
#include <type_traits>

#include <fmt/format.h>

#include "base/escape.h"
#include "wit/interface_name.h"

namespace nimbus::wit {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<TypeKind>> kKinds = {
    "record", "variant", "enum",   "flags",  "tuple",  "list",   "list of fixed length",
    "map",    "option",  "result", "stream", "future", "handle", "resource",
    "type"};

constexpr std::string_view kElement = "element";
constexpr std::string_view kValue = "value";

// The interface that a type belongs to; empty for one of a world.
std::string ownerOf(const Document& document, const Type& type) {
  const auto* interface = std::get_if<InterfaceIndex>(&type.owner);
  return interface == nullptr ? std::string() : document.fullName(*interface);
}

bool compatible(std::string_view have, std::string_view want) {
  const InterfaceName wanted = parseInterfaceName(want);
  return have == want || interfaceMatches(wanted.interface, wanted.version, have);
}

std::string insteadOf(std::string_view have, std::string_view want) {
  return fmt::format("is {} instead of {}", have, want);
}

std::string otherName(std::string_view what, std::string_view have, std::string_view want) {
  return fmt::format("has {} `{}` instead of `{}`", what, escaped(have), escaped(want));
}

std::optional<std::string> labelDifference(std::string_view what, const std::vector<Label>& have,
                                           const std::vector<Label>& want) {
  if (have.size() != want.size())
    return fmt::format("has {} {}s instead of {}", have.size(), what, want.size());
  for (std::size_t i = 0; i < have.size(); ++i) {
    if (have[i].name != want[i].name) return otherName(what, have[i].name, want[i].name);
  }
  return std::nullopt;
}

const Type& resourceOf(const Document& document, const Handle& handle) {
  return document.at(std::get<TypeIndex>(document.resolve(handle.resource)));
}

std::string resourceText(const Document& document, const Type& resource) {
  const std::string owner = ownerOf(document, resource);
  std::string text = "resource " + escaped(resource.name.value_or("without a name"));
  return owner.empty() ? text : text + " of " + escaped(owner);
}

}  // namespace

std::string shortTypeText(const Document& document, const TypeRef& type) {
  const TypeRef behind = document.resolve(type);
  if (const auto* primitive = std::get_if<Primitive>(&behind))
    return std::string(primitiveName(*primitive));
  const Type& found = document.at(std::get<TypeIndex>(behind));
  if (const auto* handle = std::get_if<Handle>(&found.kind)) {
    const std::string resource = shortTypeText(document, TypeRef(handle->resource));
    return handle->borrowed ? fmt::format("borrow of {}", resource) : resource;
  }
  const std::string_view kind = kKinds.at(found.kind.index());
  if (found.name) return fmt::format("{} {}", kind, escaped(*found.name));
  constexpr std::string_view kVowels = "aeiou";
  return fmt::format("{} {}", kVowels.contains(kind.front()) ? "an" : "a", kind);
}

std::optional<std::string> TypeComparison::difference(const Function& have, const Function& want) {
  if (have.async != want.async)
    return insteadOf(have.async ? "async" : "not async", want.async ? "async" : "not async");
  if (Difference found = fields("parameter", have.params, want.params)) return found;
  return part("result", have.result, want.result);
}

std::optional<std::string> TypeComparison::difference(const TypeRef& have, const TypeRef& want) {
  const TypeRef mine = have_.resolve(have);
  const TypeRef theirs = want_.resolve(want);
  const auto* my_type = std::get_if<TypeIndex>(&mine);
  const auto* their_type = std::get_if<TypeIndex>(&theirs);
  if (my_type == nullptr || their_type == nullptr) {
    if (mine == theirs) return std::nullopt;
    return insteadOf(shortTypeText(have_, mine), shortTypeText(want_, theirs));
  }
  const std::pair pair(my_type->value, their_type->value);
  if (same_.contains(pair)) return std::nullopt;
  Difference found = kinds(*my_type, *their_type);
  if (!found) same_.insert(pair);
  return found;
}

std::optional<std::string> TypeComparison::kinds(TypeIndex mine, TypeIndex theirs) {
  const Type& have = have_.at(mine);
  const Type& want = want_.at(theirs);
  if (have.kind.index() != want.kind.index())
    return insteadOf(shortTypeText(have_, mine), shortTypeText(want_, theirs));
  Difference found = std::visit(
      [&](const auto& kind) {
        return compare(kind, std::get<std::decay_t<decltype(kind)>>(want.kind));
      },
      have.kind);
  if (found && have.name)
    return fmt::format("{} {}: {}", kKinds.at(have.kind.index()), escaped(*have.name), *found);
  return found;
}

std::optional<std::string> TypeComparison::compare(const Record& have, const Record& want) {
  return fields("field", have.fields, want.fields);
}

std::optional<std::string> TypeComparison::compare(const Variant& have, const Variant& want) {
  if (have.cases.size() != want.cases.size())
    return fmt::format("has {} cases instead of {}", have.cases.size(), want.cases.size());
  for (std::size_t i = 0; i < have.cases.size(); ++i) {
    const Case& mine = have.cases[i];
    const Case& theirs = want.cases[i];
    if (mine.name != theirs.name) return otherName("case", mine.name, theirs.name);
    const std::string where = fmt::format("case `{}`", escaped(mine.name));
    if (Difference found = part(where, mine.type, theirs.type)) return found;
  }
  return std::nullopt;
}

std::optional<std::string> TypeComparison::compare(const Enum& have, const Enum& want) {
  return labelDifference("case", have.cases, want.cases);
}

std::optional<std::string> TypeComparison::compare(const Flags& have, const Flags& want) {
  return labelDifference("flag", have.labels, want.labels);
}

std::optional<std::string> TypeComparison::compare(const Tuple& have, const Tuple& want) {
  if (have.types.size() != want.types.size())
    return fmt::format("has {} members instead of {}", have.types.size(), want.types.size());
  for (std::size_t i = 0; i < have.types.size(); ++i) {
    if (Difference found = part(fmt::format("member {}", i), have.types[i], want.types[i]))
      return found;
  }
  return std::nullopt;
}

std::optional<std::string> TypeComparison::compare(const List& have, const List& want) {
  return part(kElement, have.element, want.element);
}

std::optional<std::string> TypeComparison::compare(const FixedLengthList& have,
                                                   const FixedLengthList& want) {
  if (have.length != want.length)
    return fmt::format("has {} elements instead of {}", have.length, want.length);
  return part(kElement, have.element, want.element);
}

std::optional<std::string> TypeComparison::compare(const Map& have, const Map& want) {
  if (Difference found = part("key", have.key, want.key)) return found;
  return part(kValue, have.value, want.value);
}

std::optional<std::string> TypeComparison::compare(const Option& have, const Option& want) {
  return part(kValue, have.some, want.some);
}

std::optional<std::string> TypeComparison::compare(const ResultType& have, const ResultType& want) {
  if (Difference found = part("ok", have.ok, want.ok)) return found;
  return part("err", have.err, want.err);
}

std::optional<std::string> TypeComparison::compare(const Stream& have, const Stream& want) {
  return part(kElement, have.element, want.element);
}

std::optional<std::string> TypeComparison::compare(const Future& have, const Future& want) {
  return part(kValue, have.value, want.value);
}

std::optional<std::string> TypeComparison::compare(const Handle& have, const Handle& want) {
  const auto ownership = [](const Handle& handle) {
    return handle.borrowed ? "borrowed" : "owned";
  };
  if (have.borrowed != want.borrowed) return insteadOf(ownership(have), ownership(want));
  const Type& mine = resourceOf(have_, have);
  const Type& theirs = resourceOf(want_, want);
  if (mine.name == theirs.name && compatible(ownerOf(have_, mine), ownerOf(want_, theirs)))
    return std::nullopt;
  return insteadOf(resourceText(have_, mine), resourceText(want_, theirs));
}

// Resources are compared by name, where a handle refers to them.
std::optional<std::string> TypeComparison::compare(const ResourceType&, const ResourceType&) {
  return std::nullopt;
}

std::optional<std::string> TypeComparison::compare(const Alias& have, const Alias& want) {
  return difference(have.target, want.target);
}

std::optional<std::string> TypeComparison::part(std::string_view where, const OptionalType& have,
                                                const OptionalType& want) {
  if (!have && !want) return std::nullopt;
  if (!have || !want) {
    const std::string mine = have ? shortTypeText(have_, *have) : "nothing";
    const std::string theirs = want ? shortTypeText(want_, *want) : "nothing";
    return fmt::format("{} {}", where, insteadOf(mine, theirs));
  }
  const Difference found = difference(*have, *want);
  if (!found) return std::nullopt;
  return fmt::format("{}{} {}", where, found->starts_with("is ") ? "" : ":", *found);
}

std::optional<std::string> TypeComparison::fields(std::string_view what,
                                                  const std::vector<Field>& have,
                                                  const std::vector<Field>& want) {
  if (have.size() != want.size())
    return fmt::format("has {} {}s instead of {}", have.size(), what, want.size());
  for (std::size_t i = 0; i < have.size(); ++i) {
    if (have[i].name != want[i].name) return otherName(what, have[i].name, want[i].name);
    const std::string where = fmt::format("{} `{}`", what, escaped(have[i].name));
    if (Difference found = part(where, have[i].type, want[i].type)) return found;
  }
  return std::nullopt;
}

}  // namespace nimbus::wit
