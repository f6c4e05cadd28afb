#include "wit/type_facts.h"

#include <algorithm>

#include "wit/input_streams.h"

namespace nimbus::wit {

namespace {

constexpr std::size_t kMaxMinBytes = 65536;

// Both stand one after the other.
void append(TypeFacts& all, const TypeFacts& part) {
  all.min_bytes = std::min(all.min_bytes + part.min_bytes, kMaxMinBytes);
  all.pending |= part.pending;
  all.handles |= part.handles;
  all.borrows |= part.borrows;
  if (all.unsupported.empty()) all.unsupported = part.unsupported;
}

// A tag, and perhaps that.
void appendOptional(TypeFacts& all, const TypeFacts& part) {
  append(all, part);
  all.min_bytes = 1;
}

TypeFacts unsupported(std::string_view what) {
  TypeFacts facts;
  facts.unsupported = what;
  return facts;
}

TypeFacts plain(std::size_t min_bytes) {
  TypeFacts facts;
  facts.min_bytes = min_bytes;
  return facts;
}

std::size_t primitiveBytes(Primitive primitive) {
  if (primitive == Primitive::kF32) return 4;
  return primitive == Primitive::kF64 ? 8 : 1;
}

}  // namespace

const TypeFacts& TypeFactBook::of(const TypeRef& type) {
  if (const auto* primitive = std::get_if<Primitive>(&type)) {
    primitive_ = *primitive == Primitive::kErrorContext ? unsupported("error-context")
                                                        : plain(primitiveBytes(*primitive));
    return primitive_;
  }
  const std::size_t index = std::get<TypeIndex>(type).value;
  if (const auto known = types_.find(index); known != types_.end()) return known->second;
  const TypeFacts facts = workOut(document_.types[index].kind);
  return types_.emplace(index, facts).first->second;
}

// What travels on a channel of its own.
TypeFacts TypeFactBook::content(const std::optional<TypeRef>& element, std::string_view what) {
  TypeFacts facts = ofOptional(element);
  if (facts.unsupported.empty() && (facts.pending || facts.handles)) facts.unsupported = what;
  facts.min_bytes = 1;
  facts.pending = true;
  return facts;
}

TypeFacts TypeFactBook::workOut(const TypeKind& kind) {
  TypeFacts facts;
  if (const auto* record = std::get_if<Record>(&kind)) {
    for (const Field& field : record->fields) append(facts, of(field.type));
  } else if (const auto* tuple = std::get_if<Tuple>(&kind)) {
    for (const TypeRef& type : tuple->types) append(facts, of(type));
  } else if (const auto* variant = std::get_if<Variant>(&kind)) {
    for (const Case& option : variant->cases) appendOptional(facts, ofOptional(option.type));
    facts.min_bytes = 1;
  } else if (const auto* flags = std::get_if<Flags>(&kind)) {
    facts.min_bytes = (flags->labels.size() + 7) / 8;
  } else if (const auto* list = std::get_if<List>(&kind)) {
    appendOptional(facts, of(list->element));
  } else if (const auto* option = std::get_if<Option>(&kind)) {
    appendOptional(facts, of(option->some));
  } else if (const auto* result = std::get_if<ResultType>(&kind)) {
    appendOptional(facts, ofOptional(result->ok));
    appendOptional(facts, ofOptional(result->err));
  } else if (const auto* stream = std::get_if<Stream>(&kind)) {
    facts = content(stream->element, "resources, streams or futures in the elements of a stream");
  } else if (const auto* future = std::get_if<Future>(&kind)) {
    facts = content(future->value, "resources, streams or futures in the value of a future");
  } else if (const auto* handle = std::get_if<Handle>(&kind)) {
    facts = plain(1);
    facts.handles = true;
    facts.borrows = handle->borrowed;
    // Those of wasi:io itself are its own matter.
    const bool used = std::holds_alternative<Alias>(document_.at(handle->resource).kind);
    if (facts.borrows && used && isInputStream(document_, handle->resource))
      facts.unsupported = "a borrowed input-stream";
  } else if (const auto* alias = std::get_if<Alias>(&kind)) {
    facts = of(alias->target);
  } else if (std::holds_alternative<Map>(kind)) {
    facts = unsupported("map");
  } else if (std::holds_alternative<FixedLengthList>(kind)) {
    facts = unsupported("list of fixed length");
  } else {
    facts = plain(1);  // enums; resources themselves are never encoded
  }
  return facts;
}

}  // namespace nimbus::wit
