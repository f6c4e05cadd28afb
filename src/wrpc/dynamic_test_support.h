#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "wit/document.h"
#include "wrpc/dynamic_value.h"

namespace nimbus::wrpc {

// Types and values made of a source of numbers: a random one, or the input of a fuzzer.
// `Source::pick(n)` gives a number below n.
template <typename Source>
class ValueMaker {
 public:
  explicit ValueMaker(Source& source) : source_(source) {}

  // Adds a type to the document, and those it consists of.
  wit::TypeRef type(wit::Document& document, int depth) {
    const std::uint32_t kind = source_.pick(depth > 0 ? 14 : 3);
    if (kind < 3) return static_cast<wit::Primitive>(source_.pick(13));
    wit::Type made;
    made.kind = compound(document, kind, depth - 1);
    document.types.push_back(std::move(made));
    return wit::TypeIndex{document.types.size() - 1};
  }

  DynamicValue value(const wit::Document& document, const wit::TypeRef& type) {
    if (const auto* of = std::get_if<wit::Primitive>(&type)) return primitive(*of);
    return compoundValue(document, document.at(std::get<wit::TypeIndex>(type)).kind);
  }

 private:
  std::optional<wit::TypeRef> maybe(wit::Document& document, int depth) {
    if (source_.pick(3) == 0) return std::nullopt;
    return type(document, depth);
  }

  wit::TypeKind compound(wit::Document& document, std::uint32_t kind, int depth) {
    switch (kind) {
      case 3: {
        wit::Record record;
        for (std::uint32_t i = source_.pick(4); i > 0; --i)
          record.fields.push_back({"field", type(document, depth), ""});
        return record;
      }
      case 4: {
        wit::Variant variant;
        for (std::uint32_t i = 1 + source_.pick(4); i > 0; --i)
          variant.cases.push_back({"case", maybe(document, depth), ""});
        return variant;
      }
      case 5: return wit::Enum{std::vector<wit::Label>(1 + source_.pick(200))};
      case 6: return wit::Flags{std::vector<wit::Label>(1 + source_.pick(100))};
      case 7: {
        wit::Tuple tuple;
        for (std::uint32_t i = source_.pick(4); i > 0; --i)
          tuple.types.push_back(type(document, depth));
        return tuple;
      }
      case 8: return wit::Option{type(document, depth)};
      case 9: return wit::ResultType{maybe(document, depth), maybe(document, depth)};
      case 10: return wit::Handle{};
      case 11: return wit::Stream{maybe(document, depth)};
      case 12: return wit::Future{maybe(document, depth)};
      default: return wit::List{type(document, depth)};
    }
  }

  std::string text() {
    static constexpr const char* kPieces[] = {"", "a", "é", "😀", "word"};
    std::string text;
    for (std::uint32_t i = source_.pick(4); i > 0; --i) text += kPieces[source_.pick(5)];
    return text;
  }
  std::uint64_t number() {
    std::uint64_t number = 0;
    for (int i = 0; i < 8; ++i) number = number << 8 | source_.pick(256);
    return number >> source_.pick(64);
  }
  // Any bits; often an infinity, or a NaN of any sign and content.
  template <typename Float, typename Bits>
  Float floating() {
    constexpr Bits kExponent = std::bit_cast<Bits>(std::numeric_limits<Float>::infinity());
    Bits bits = 0;
    for (std::size_t i = 0; i < sizeof bits; ++i)
      bits = static_cast<Bits>(bits << 8 | source_.pick(256));
    if (source_.pick(4) == 0) bits |= kExponent;
    return std::bit_cast<Float>(bits);
  }
  char32_t character() {
    static constexpr std::uint32_t kFirstSurrogate = 0xD800;
    static constexpr std::uint32_t kSurrogates = 0x800;
    const std::uint32_t scalar = source_.pick(0x110000 - kSurrogates);
    return static_cast<char32_t>(scalar < kFirstSurrogate ? scalar : scalar + kSurrogates);
  }

  DynamicValue primitive(wit::Primitive primitive) {
    const std::uint64_t number = this->number();
    const auto bits = [&](unsigned width) {
      return DynamicValue{number & (~std::uint64_t{0} >> (64 - width))};
    };
    const auto sign = [&](unsigned width) {
      return DynamicValue{static_cast<std::int64_t>(number << (64 - width)) >> (64 - width)};
    };
    switch (primitive) {
      case wit::Primitive::kBool: return {source_.pick(2) == 1};
      case wit::Primitive::kU8: return bits(8);
      case wit::Primitive::kU16: return bits(16);
      case wit::Primitive::kU32: return bits(32);
      case wit::Primitive::kU64: return bits(64);
      case wit::Primitive::kS8: return sign(8);
      case wit::Primitive::kS16: return sign(16);
      case wit::Primitive::kS32: return sign(32);
      case wit::Primitive::kS64: return sign(64);
      case wit::Primitive::kF32: return {floating<float, std::uint32_t>()};
      case wit::Primitive::kF64: return {floating<double, std::uint64_t>()};
      case wit::Primitive::kChar: return {character()};
      default: return {text()};
    }
  }

  DynamicValue elements(const wit::Document& document, const wit::TypeRef& element) {
    if (const auto* of = std::get_if<wit::Primitive>(&element);
        of != nullptr && *of == wit::Primitive::kU8)
      return {Bytes::take(text())};
    std::vector<DynamicValue> list;
    for (std::uint32_t i = source_.pick(4); i > 0; --i) list.push_back(value(document, element));
    return {std::move(list)};
  }

  DynamicValue caseOf(const wit::Document& document, std::uint32_t number,
                      const std::optional<wit::TypeRef>& payload) {
    DynamicValue::Case one{.number = number, .payload = {}};
    if (payload) one.payload.push_back(value(document, *payload));
    return {std::move(one)};
  }

  DynamicValue compoundValue(const wit::Document& document, const wit::TypeKind& kind) {
    std::vector<DynamicValue> values;
    if (const auto* record = std::get_if<wit::Record>(&kind)) {
      for (const wit::Field& field : record->fields) values.push_back(value(document, field.type));
      return {std::move(values)};
    }
    if (const auto* tuple = std::get_if<wit::Tuple>(&kind)) {
      for (const wit::TypeRef& type : tuple->types) values.push_back(value(document, type));
      return {std::move(values)};
    }
    if (const auto* variant = std::get_if<wit::Variant>(&kind)) {
      const std::uint32_t number = source_.pick(static_cast<std::uint32_t>(variant->cases.size()));
      return caseOf(document, number, variant->cases[number].type);
    }
    if (const auto* enumeration = std::get_if<wit::Enum>(&kind))
      return caseOf(document, source_.pick(static_cast<std::uint32_t>(enumeration->cases.size())),
                    std::nullopt);
    if (const auto* flags = std::get_if<wit::Flags>(&kind)) {
      std::vector<bool> set(flags->labels.size());
      for (std::size_t i = 0; i < set.size(); ++i) set[i] = source_.pick(2) == 1;
      return {std::move(set)};
    }
    if (const auto* option = std::get_if<wit::Option>(&kind)) {
      if (source_.pick(2) == 0) return caseOf(document, 0, std::nullopt);
      return caseOf(document, 1, option->some);
    }
    if (const auto* result = std::get_if<wit::ResultType>(&kind)) {
      const std::uint32_t number = source_.pick(2);
      return caseOf(document, number, number == 0 ? result->ok : result->err);
    }
    if (std::holds_alternative<wit::Handle>(kind))
      return {DynamicValue::Handle{Bytes::take(text())}};
    if (const auto* stream = std::get_if<wit::Stream>(&kind)) {
      if (!stream->element || source_.pick(2) == 0) return {DynamicValue::Pending{}};
      return elements(document, *stream->element);
    }
    if (const auto* future = std::get_if<wit::Future>(&kind)) {
      if (source_.pick(2) == 0) return {DynamicValue::Pending{}};
      return caseOf(document, 1, future->value);
    }
    if (const auto* alias = std::get_if<wit::Alias>(&kind)) return value(document, alias->target);
    return elements(document, std::get<wit::List>(kind).element);
  }

  Source& source_;
};

}  // namespace nimbus::wrpc
