#include "wrpc/dynamic_codec.h"

#include <utility>

#include "wrpc/dynamic_cases.h"

namespace nimbus::wrpc {

namespace {

constexpr unsigned kNotANumber = 0;

// How wide an integer is.
unsigned unsignedBits(wit::Primitive primitive) {
  switch (primitive) {
    case wit::Primitive::kU8: return 8;
    case wit::Primitive::kU16: return 16;
    case wit::Primitive::kU32: return 32;
    case wit::Primitive::kU64: return 64;
    default: return kNotANumber;
  }
}
unsigned signedBits(wit::Primitive primitive) {
  switch (primitive) {
    case wit::Primitive::kS8: return 8;
    case wit::Primitive::kS16: return 16;
    case wit::Primitive::kS32: return 32;
    case wit::Primitive::kS64: return 64;
    default: return kNotANumber;
  }
}

bool isByte(const wit::Document& document, const wit::TypeRef& type) {
  const wit::TypeRef behind = document.resolve(type);
  const auto* primitive = std::get_if<wit::Primitive>(&behind);
  return primitive != nullptr && *primitive == wit::Primitive::kU8;
}

DynamicValue readPrimitive(Decoder& in, wit::Primitive primitive) {
  if (primitive == wit::Primitive::kU8) return {std::uint64_t{in.u8()}};
  if (primitive == wit::Primitive::kS8) return {std::int64_t{in.s8()}};
  if (const unsigned bits = unsignedBits(primitive)) return {in.unsignedNumber(bits)};
  if (const unsigned bits = signedBits(primitive)) return {in.signedNumber(bits)};
  switch (primitive) {
    case wit::Primitive::kBool: return {in.boolean()};
    case wit::Primitive::kF32: return {in.f32()};
    case wit::Primitive::kF64: return {in.f64()};
    case wit::Primitive::kChar: return {in.character()};
    case wit::Primitive::kString: return {std::string(in.text())};
    default: in.fail(ErrorCode::kUnsupported, "error-context has no encoding"); return {};
  }
}

// Nothing is copied or kept.
void skipPrimitive(Decoder& in, wit::Primitive primitive) {
  if (primitive == wit::Primitive::kString) {
    static_cast<void>(in.text());
  } else {
    static_cast<void>(readPrimitive(in, primitive));
  }
}

}  // namespace

// Walks over a value without making anything of it.
struct DynamicCodec::Skipper {
  DynamicCodec& codec;
  Decoder& in;
  std::vector<PendingValue>& pending;

  void value(const wit::TypeRef& type) {
    if (const auto* primitive = std::get_if<wit::Primitive>(&type))
      return skipPrimitive(in, *primitive);
    kind(codec.document_.at(std::get<wit::TypeIndex>(type)).kind);
  }

  void at(std::uint32_t position, const wit::TypeRef& type) {
    const Decoder::Step step(in, position);
    value(type);
  }

  void list(const wit::TypeRef& element) {
    if (isByte(codec.document_, element)) return static_cast<void>(in.byteView());
    const std::size_t min_bytes = codec.facts_.of(element).min_bytes;
    const std::size_t count = in.count(min_bytes);
    if (min_bytes == 0) return;  // such values take no bytes: there is nothing to check
    for (std::size_t i = 0; i < count && in.ok(); ++i) at(static_cast<std::uint32_t>(i), element);
  }

  void found(bool stream, const std::optional<wit::TypeRef>& content) {
    if (in.ok()) pending.push_back({in.path(), stream, content});
  }

  void stream(const wit::Stream& stream) {
    if (!in.isReady()) return found(true, stream.element);
    if (stream.element) return list(*stream.element);
    static_cast<void>(in.count(0));
  }

  void kind(const wit::TypeKind& kind) {
    if (const auto* record = std::get_if<wit::Record>(&kind)) {
      std::uint32_t position = 0;
      for (const wit::Field& field : record->fields) at(position++, field.type);
    } else if (const auto* tuple = std::get_if<wit::Tuple>(&kind)) {
      std::uint32_t position = 0;
      for (const wit::TypeRef& type : tuple->types) at(position++, type);
    } else if (const auto* of = std::get_if<wit::List>(&kind)) {
      list(of->element);
    } else if (const auto cases = caseList(kind)) {
      const std::optional<wit::TypeRef> payload = cases->payload(in.caseNumber(cases->count));
      if (payload && in.ok()) value(*payload);
    } else if (const auto* flags = std::get_if<wit::Flags>(&kind)) {
      std::vector<std::uint8_t> bits((flags->labels.size() + 7) / 8);
      in.flags(static_cast<std::uint32_t>(flags->labels.size()), bits.data());
    } else if (const auto* alias = std::get_if<wit::Alias>(&kind)) {
      value(alias->target);
    } else if (const auto* of_stream = std::get_if<wit::Stream>(&kind)) {
      stream(*of_stream);
    } else if (const auto* future = std::get_if<wit::Future>(&kind)) {
      if (!in.isReady()) return found(false, future->value);
      if (future->value) value(*future->value);
    } else if (std::holds_alternative<wit::Handle>(kind)) {
      static_cast<void>(in.handle());
    } else {
      in.fail(ErrorCode::kUnsupported, "the type has no encoding");
    }
  }
};

// Makes a tree.
struct DynamicCodec::Reader {
  DynamicCodec& codec;
  Decoder& in;

  DynamicValue value(const wit::TypeRef& type) {
    if (const auto* primitive = std::get_if<wit::Primitive>(&type))
      return readPrimitive(in, *primitive);
    return kind(codec.document_.at(std::get<wit::TypeIndex>(type)).kind);
  }

  DynamicValue at(std::uint32_t position, const wit::TypeRef& type) {
    const Decoder::Step step(in, position);
    return value(type);
  }

  DynamicValue list(const wit::TypeRef& element) {
    if (isByte(codec.document_, element)) return {in.bytes()};
    const std::size_t count = in.count(codec.facts_.of(element).min_bytes, sizeof(DynamicValue));
    std::vector<DynamicValue> elements;
    elements.reserve(count);
    for (std::size_t i = 0; i < count && in.ok(); ++i)
      elements.push_back(at(static_cast<std::uint32_t>(i), element));
    return {std::move(elements)};
  }

  DynamicValue caseOf(const CaseList& cases) {
    DynamicValue::Case one{.number = in.caseNumber(cases.count), .payload = {}};
    const std::optional<wit::TypeRef> payload = cases.payload(one.number);
    if (payload && in.ok()) one.payload.push_back(value(*payload));
    return {std::move(one)};
  }

  DynamicValue flags(std::size_t labels) {
    std::vector<std::uint8_t> bits((labels + 7) / 8);
    in.flags(static_cast<std::uint32_t>(labels), bits.data());
    std::vector<bool> set(labels);
    for (std::size_t i = 0; i < labels; ++i) set[i] = ((bits[i / 8] >> (i % 8)) & 1) != 0;
    return {std::move(set)};
  }

  DynamicValue stream(const wit::Stream& stream) {
    if (!in.isReady()) return {DynamicValue::Pending{in.path()}};
    if (stream.element) return list(*stream.element);
    return {std::vector<DynamicValue>(in.count(0, sizeof(DynamicValue)))};
  }

  DynamicValue future(const wit::Future& future) {
    if (!in.isReady()) return {DynamicValue::Pending{in.path()}};
    DynamicValue::Case ready{.number = 1, .payload = {}};
    if (future.value) ready.payload.push_back(value(*future.value));
    return {std::move(ready)};
  }

  template <typename Fields>
  DynamicValue fields(const Fields& fields) {
    std::vector<DynamicValue> values;
    values.reserve(fields.size());
    std::uint32_t position = 0;
    for (const auto& field : fields) values.push_back(at(position++, typeOf(field)));
    return {std::move(values)};
  }
  static const wit::TypeRef& typeOf(const wit::Field& field) { return field.type; }
  static const wit::TypeRef& typeOf(const wit::TypeRef& type) { return type; }

  DynamicValue kind(const wit::TypeKind& kind) {
    if (const auto* record = std::get_if<wit::Record>(&kind)) return fields(record->fields);
    if (const auto* tuple = std::get_if<wit::Tuple>(&kind)) return fields(tuple->types);
    if (const auto* of = std::get_if<wit::List>(&kind)) return list(of->element);
    if (const auto cases = caseList(kind)) return caseOf(*cases);
    if (const auto* of = std::get_if<wit::Flags>(&kind)) return flags(of->labels.size());
    if (const auto* alias = std::get_if<wit::Alias>(&kind)) return value(alias->target);
    if (const auto* of = std::get_if<wit::Stream>(&kind)) return stream(*of);
    if (const auto* of = std::get_if<wit::Future>(&kind)) return future(*of);
    if (std::holds_alternative<wit::Handle>(kind))
      return {DynamicValue::Handle{Bytes::copyOf(in.handle())}};
    in.fail(ErrorCode::kUnsupported, "the type has no encoding");
    return {};
  }
};

struct DynamicCodec::Writer {
  DynamicCodec& codec;
  Encoder& out;

  void mismatch() { out.fail(ErrorCode::kInvalidArgument, "the value is not of the type"); }

  // The value as a T, or null after a complaint.
  template <typename T>
  const T* as(const DynamicValue& value) {
    const T* const content = std::get_if<T>(&value.content);
    if (content == nullptr) mismatch();
    return content;
  }

  void value(const wit::TypeRef& type, const DynamicValue& value) {
    if (!out.ok()) return;
    if (const auto* of = std::get_if<wit::Primitive>(&type)) return primitive(*of, value);
    kind(codec.document_.at(std::get<wit::TypeIndex>(type)).kind, value);
  }

  void unsignedNumber(unsigned bits, const DynamicValue& value) {
    const auto* number = as<std::uint64_t>(value);
    if (number == nullptr) return;
    if (bits < 64 && (*number >> bits) != 0) return mismatch();
    bits == 8 ? out.u8(static_cast<std::uint8_t>(*number)) : out.unsignedNumber(*number);
  }
  void signedNumber(unsigned bits, const DynamicValue& value) {
    const auto* number = as<std::int64_t>(value);
    if (number == nullptr) return;
    const std::int64_t above = *number >> (bits - 1);  // copies of the sign
    if (above != 0 && above != -1) return mismatch();
    bits == 8 ? out.s8(static_cast<std::int8_t>(*number)) : out.signedNumber(*number);
  }

  void primitive(wit::Primitive primitive, const DynamicValue& value) {
    if (const unsigned bits = unsignedBits(primitive)) return unsignedNumber(bits, value);
    if (const unsigned bits = signedBits(primitive)) return signedNumber(bits, value);
    if (primitive == wit::Primitive::kBool) {
      if (const auto* of = as<bool>(value)) out.boolean(*of);
    } else if (primitive == wit::Primitive::kF32) {
      if (const auto* of = as<float>(value)) out.f32(*of);
    } else if (primitive == wit::Primitive::kF64) {
      if (const auto* of = as<double>(value)) out.f64(*of);
    } else if (primitive == wit::Primitive::kChar) {
      if (const auto* of = as<char32_t>(value)) out.character(*of);
    } else if (primitive == wit::Primitive::kString) {
      if (const auto* of = as<std::string>(value)) out.text(*of);
    } else {
      out.fail(ErrorCode::kUnsupported, "error-context has no encoding");
    }
  }

  void list(const wit::TypeRef& element, const DynamicValue& value) {
    if (isByte(codec.document_, element)) {
      if (const auto* bytes = as<Bytes>(value)) out.bytes(*bytes);
      return;
    }
    const auto* elements = as<std::vector<DynamicValue>>(value);
    if (elements == nullptr) return;
    out.count(elements->size());
    for (const DynamicValue& one : *elements) this->value(element, one);
  }

  void caseOf(const CaseList& cases, const DynamicValue& value) {
    const auto* one = as<DynamicValue::Case>(value);
    if (one == nullptr) return;
    if (one->number >= cases.count) return mismatch();
    const std::optional<wit::TypeRef> payload = cases.payload(one->number);
    if (one->payload.size() != (payload ? 1U : 0U)) return mismatch();
    out.unsignedNumber(one->number);
    if (payload) this->value(*payload, one->payload[0]);
  }

  void flags(std::size_t labels, const DynamicValue& value) {
    const auto* set = as<std::vector<bool>>(value);
    if (set == nullptr) return;
    if (set->size() != labels) return mismatch();
    std::vector<std::uint8_t> bits((labels + 7) / 8);
    for (std::size_t i = 0; i < labels; ++i) {
      if ((*set)[i]) bits[i / 8] |= static_cast<std::uint8_t>(1U << (i % 8));
    }
    out.encoded(ByteView(bits));
  }

  template <typename Fields>
  void fields(const Fields& fields, const DynamicValue& value) {
    const auto* values = as<std::vector<DynamicValue>>(value);
    if (values == nullptr) return;
    if (values->size() != fields.size()) return mismatch();
    for (std::size_t i = 0; i < values->size(); ++i)
      this->value(Reader::typeOf(fields[i]), (*values)[i]);
  }

  void stream(const wit::Stream& stream, const DynamicValue& value) {
    if (std::holds_alternative<DynamicValue::Pending>(value.content)) return out.u8(0);
    out.u8(1);
    if (stream.element) return list(*stream.element, value);
    if (const auto* elements = as<std::vector<DynamicValue>>(value)) out.count(elements->size());
  }

  void future(const wit::Future& future, const DynamicValue& value) {
    if (std::holds_alternative<DynamicValue::Pending>(value.content)) return out.u8(0);
    CaseList ready{.count = 2, .payloads = {std::nullopt, future.value}};
    const auto* one = as<DynamicValue::Case>(value);
    if (one == nullptr) return;
    if (one->number != 1) return mismatch();
    caseOf(ready, value);
  }

  void kind(const wit::TypeKind& kind, const DynamicValue& value) {
    if (const auto* record = std::get_if<wit::Record>(&kind)) return fields(record->fields, value);
    if (const auto* tuple = std::get_if<wit::Tuple>(&kind)) return fields(tuple->types, value);
    if (const auto* of = std::get_if<wit::List>(&kind)) return list(of->element, value);
    if (const auto cases = caseList(kind)) return caseOf(*cases, value);
    if (const auto* of = std::get_if<wit::Flags>(&kind)) return flags(of->labels.size(), value);
    if (const auto* alias = std::get_if<wit::Alias>(&kind))
      return this->value(alias->target, value);
    if (const auto* of = std::get_if<wit::Stream>(&kind)) return stream(*of, value);
    if (const auto* of = std::get_if<wit::Future>(&kind)) return future(*of, value);
    if (std::holds_alternative<wit::Handle>(kind)) {
      if (const auto* handle = as<DynamicValue::Handle>(value)) out.handle(handle->bytes.view());
      return;
    }
    out.fail(ErrorCode::kUnsupported, "the type has no encoding");
  }
};

void DynamicCodec::skip(Decoder& in, const wit::TypeRef& type, std::vector<PendingValue>& pending) {
  Skipper{*this, in, pending}.value(type);
}

Result<std::vector<PendingValue>> DynamicCodec::check(Decoder& in,
                                                      std::span<const wit::TypeRef> types) {
  std::vector<PendingValue> pending;
  Skipper skipper{*this, in, pending};
  std::uint32_t position = 0;
  for (const wit::TypeRef& type : types) skipper.at(position++, type);
  TRY_VOID(in.finish());
  return pending;
}

DynamicValue DynamicCodec::decode(Decoder& in, const wit::TypeRef& type) {
  return Reader{*this, in}.value(type);
}

void DynamicCodec::encode(Encoder& out, const wit::TypeRef& type, const DynamicValue& value) {
  Writer{*this, out}.value(type, value);
}

}  // namespace nimbus::wrpc
