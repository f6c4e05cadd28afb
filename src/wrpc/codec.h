#pragma once

#include <concepts>
#include <cstdint>
#include <expected>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "wrpc/decoder.h"
#include "wrpc/encoder.h"
#include "wrpc/handles.h"

namespace nimbus::wrpc {

// How a C++ type is encoded. Specialised here for what WIT's own types become, and by generated
// code for records, variants, enums and flags:
//
//   template <> struct Codec<T> {
//     static constexpr std::size_t kMinBytes;  // of its encoding
//     static constexpr bool kPending;          // whether streams or futures are in it
//     static void encode(Encoder& out, const T& value);  // T& where it only moves
//     static T decode(Decoder& in);                      // any value after a failure
//   };
template <typename T>
struct Codec;

// The error of a result that has none, `result<T>`.
using Unit = std::monostate;

// `value` stands at that position: of the parameters, of a record, of a list.
template <typename T>
void encodeAt(Encoder& out, std::uint32_t position, T& value) {
  using Type = Codec<std::remove_const_t<T>>;
  if constexpr (Type::kPending) {
    const Encoder::Step step(out, position);
    Type::encode(out, value);
  } else {
    Type::encode(out, value);
  }
}

template <typename T>
[[nodiscard]] T decodeAt(Decoder& in, std::uint32_t position) {
  if constexpr (Codec<T>::kPending) {
    const Decoder::Step step(in, position);
    return Codec<T>::decode(in);
  } else {
    return Codec<T>::decode(in);
  }
}

// The payload of an option, result or variant, which adds nothing to the path.
template <typename T>
void encodeValue(Encoder& out, T& value) {
  Codec<std::remove_const_t<T>>::encode(out, value);
}
template <typename T>
[[nodiscard]] T decodeValue(Decoder& in) {
  return Codec<T>::decode(in);
}

template <typename T>
void decodeInto(Decoder& in, std::uint32_t position, T& value) {
  value = decodeAt<T>(in, position);
}

struct PlainCodec {
  static constexpr std::size_t kMinBytes = 1;
  static constexpr bool kPending = false;
};

template <>
struct Codec<bool> : PlainCodec {
  static void encode(Encoder& out, bool value) { out.boolean(value); }
  static bool decode(Decoder& in) { return in.boolean(); }
};

template <typename T>
  requires(std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char32_t>)
struct Codec<T> : PlainCodec {
  static void encode(Encoder& out, T value) {
    if constexpr (sizeof(T) == 1) {
      out.u8(static_cast<std::uint8_t>(value));
    } else if constexpr (std::is_signed_v<T>) {
      out.signedNumber(value);
    } else {
      out.unsignedNumber(value);
    }
  }
  static T decode(Decoder& in) {
    if constexpr (sizeof(T) == 1) {
      return static_cast<T>(in.u8());
    } else if constexpr (std::is_signed_v<T>) {
      return static_cast<T>(in.signedNumber(8 * sizeof(T)));
    } else {
      return static_cast<T>(in.unsignedNumber(8 * sizeof(T)));
    }
  }
};

template <>
struct Codec<float> : PlainCodec {
  static constexpr std::size_t kMinBytes = 4;
  static void encode(Encoder& out, float value) { out.f32(value); }
  static float decode(Decoder& in) { return in.f32(); }
};

template <>
struct Codec<double> : PlainCodec {
  static constexpr std::size_t kMinBytes = 8;
  static void encode(Encoder& out, double value) { out.f64(value); }
  static double decode(Decoder& in) { return in.f64(); }
};

template <>
struct Codec<char32_t> : PlainCodec {
  static void encode(Encoder& out, char32_t value) { out.character(value); }
  static char32_t decode(Decoder& in) { return in.character(); }
};

template <>
struct Codec<std::string> : PlainCodec {
  static void encode(Encoder& out, std::string_view value) { out.text(value); }
  static std::string decode(Decoder& in) { return std::string(in.text()); }
};

// What takes no bytes: the elements of `stream`, the value of `future`.
template <>
struct Codec<Unit> : PlainCodec {
  static constexpr std::size_t kMinBytes = 0;
  static void encode(Encoder& /*out*/, Unit /*value*/) {}
  static Unit decode(Decoder& /*in*/) { return {}; }
};

// A parameter: the view lives as long as what is decoded.
template <>
struct Codec<std::string_view> : PlainCodec {
  static void encode(Encoder& out, std::string_view value) { out.text(value); }
  static std::string_view decode(Decoder& in) { return in.text(); }
};

// list<u8>
template <>
struct Codec<Bytes> : PlainCodec {
  static void encode(Encoder& out, const Bytes& value) { out.bytes(value); }
  static Bytes decode(Decoder& in) { return in.bytes(); }
};

template <typename T>
struct Codec<std::vector<T>> {
  static constexpr std::size_t kMinBytes = 1;
  static constexpr bool kPending = Codec<T>::kPending;

  static void encode(Encoder& out, auto& list) {
    out.count(list.size());
    std::uint32_t position = 0;
    for (auto&& element : list) encodeAt(out, position++, element);
  }
  static std::vector<T> decode(Decoder& in) {
    const std::size_t count = in.count(Codec<T>::kMinBytes, sizeof(T));
    std::vector<T> list;
    list.reserve(count);
    for (std::size_t i = 0; i < count && in.ok(); ++i)
      list.push_back(decodeAt<T>(in, static_cast<std::uint32_t>(i)));
    return list;
  }
};

template <>
struct Codec<std::vector<bool>> : PlainCodec {
  static void encode(Encoder& out, const std::vector<bool>& list) {
    out.count(list.size());
    for (const bool element : list) out.boolean(element);
  }
  static std::vector<bool> decode(Decoder& in) {
    std::vector<bool> list(in.count(1));
    for (std::size_t i = 0; i < list.size(); ++i) list[i] = in.boolean();
    return list;
  }
};

template <typename T>
struct Codec<std::optional<T>> {
  static constexpr std::size_t kMinBytes = 1;
  static constexpr bool kPending = Codec<T>::kPending;

  static void encode(Encoder& out, auto& value) {
    out.boolean(value.has_value());
    if (value) Codec<T>::encode(out, *value);
  }
  static std::optional<T> decode(Decoder& in) {
    if (!in.present()) return std::nullopt;
    return std::optional<T>(std::in_place, Codec<T>::decode(in));
  }
};

template <typename T, typename E>
struct Codec<std::expected<T, E>> {
  static constexpr bool kHasValue = !std::is_void_v<T>;
  static constexpr bool kHasError = !std::same_as<E, Unit>;
  static constexpr std::size_t kMinBytes = 1;
  static constexpr bool kPending = [] {
    bool pending = false;
    if constexpr (kHasValue) pending = Codec<T>::kPending;
    if constexpr (kHasError) pending = pending || Codec<E>::kPending;
    return pending;
  }();

  static void encode(Encoder& out, auto& value) {
    out.boolean(!value.has_value());
    if (value.has_value()) {
      if constexpr (kHasValue) Codec<T>::encode(out, *value);
    } else {
      if constexpr (kHasError) Codec<E>::encode(out, value.error());
    }
  }
  static std::expected<T, E> decode(Decoder& in) {
    if (in.isError()) {
      if constexpr (kHasError) {
        return std::expected<T, E>(std::unexpect, Codec<E>::decode(in));
      } else {
        return std::expected<T, E>(std::unexpect);
      }
    }
    if constexpr (kHasValue) {
      return std::expected<T, E>(std::in_place, Codec<T>::decode(in));
    } else {
      return {};
    }
  }
};

template <typename... Ts>
struct Codec<std::tuple<Ts...>> {
  static constexpr std::size_t kMinBytes = (std::size_t{0} + ... + Codec<Ts>::kMinBytes);
  static constexpr bool kPending = (false || ... || Codec<Ts>::kPending);

  static void encode(Encoder& out, auto& value) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (encodeAt(out, static_cast<std::uint32_t>(I), std::get<I>(value)), ...);
    }(std::index_sequence_for<Ts...>());
  }
  static std::tuple<Ts...> decode(Decoder& in) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      // Braces keep the order.
      return std::tuple<Ts...>{decodeAt<Ts>(in, static_cast<std::uint32_t>(I))...};
    }(std::index_sequence_for<Ts...>());
  }
};

// own<R>
template <std::derived_from<Resource> R>
struct Codec<std::unique_ptr<R>> : PlainCodec {
  static void encode(Encoder& out, std::unique_ptr<R>& value) {
    if (out.handles() == nullptr || !value)
      return out.fail(ErrorCode::kUnsupported, "there is no resource, or it cannot go here");
    out.handles()->writeOwn(out, R::kType, std::move(value));
  }
  static std::unique_ptr<R> decode(Decoder& in) {
    if (in.measuring()) {
      static_cast<void>(in.handle());
      return nullptr;
    }
    if (in.handles() != nullptr) {
      auto resource = in.handles()->readOwn(in, R::kType);
      return std::unique_ptr<R>(static_cast<R*>(resource.release()));
    }
    in.fail(ErrorCode::kUnsupported, "a resource cannot go here");
    return nullptr;
  }
};

// borrow<R>
template <typename R>
struct Codec<Borrow<R>> : PlainCodec {
  static void encode(Encoder& out, const Borrow<R>& value) {
    if (out.handles() == nullptr || value.get() == nullptr)
      return out.fail(ErrorCode::kUnsupported, "there is no resource, or it cannot go here");
    out.handles()->writeBorrow(out, R::kType, *value);
  }
  static Borrow<R> decode(Decoder& in) {
    if (in.measuring()) {
      static_cast<void>(in.handle());
      return {};
    }
    if (in.handles() != nullptr) {
      if (Resource* const resource = in.handles()->readBorrow(in, R::kType); resource != nullptr)
        return *static_cast<R*>(resource);
    }
    in.fail(ErrorCode::kUnsupported, "a resource cannot go here");
    return {};
  }
};

// A resource that is lent as a parameter.
template <std::derived_from<Resource> R>
void encodeBorrow(Encoder& out, R& resource) {
  Codec<Borrow<R>>::encode(out, resource);
}

}  // namespace nimbus::wrpc
